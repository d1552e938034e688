module github.com/foreshock/foreshock

go 1.26.0
