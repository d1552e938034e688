.DEFAULT_GOAL := help
TOOL := go tool -modfile=tools/go.mod
LINT := go tool -modfile=tools/golangci/go.mod golangci-lint

.PHONY: help run test race lint fmt fuzz bench cover golden truth exposure cascade record recordings corpus limits
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## score the engine on the recordings that come with it
	go run ./cmd/foreshock backtest examples/recordings

test: ## the tests, with nothing but Go
	go test ./...

race: ## the test run that counts: raced, shuffled, uncached; needs a C compiler
	go test -race -shuffle=on -count=1 -timeout=15m ./...

lint: ## vet, linters, dead code, tidiness of go.mod; the first run builds the linter
	go vet ./...
	$(LINT) run
	@echo '$(TOOL) deadcode -test ./...'
	@dead=$$($(TOOL) deadcode -test ./...) && test -z "$$dead" || { echo "$$dead"; exit 1; }
	go mod tidy -diff

fmt: ## format every file
	$(LINT) fmt

fuzz: ## every fuzz target for 30 s
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		go test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s $$p || exit 1; done; done

bench: ## benchmarks into new.txt, compared with old.txt if it is there
	go test -run '^$$' -bench . -count 10 ./... | tee new.txt
	@test ! -f old.txt || $(TOOL) benchstat old.txt new.txt

cover: ## coverage by function
	go test -short -coverprofile=cover.out ./... && go tool cover -func=cover.out

golden: ## rewrite the golden files; read the diff before you commit it
	go test -skip '^TestTruth$$' $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -rn1 dirname | sort -u) -update

truth: ## regenerate docs/method/truth.md, the table of measured error rates; takes up to 3 h
	go test ./backtest -run '^TestTruth$$' -timeout 3h -truth 4000 -update

exposure: ## regenerate the tables of docs/method/exposure.md; takes a minute or two
	go test ./trend -run '^TestMeasured$$' -exposure 1000 -update
	go test ./trend -run '^Test(Leaks|Seasons)$$' -leaks 1000 -update
	go test ./release -run '^TestPools$$' -exposure 400 -update

record: ## regenerate the tables of docs/method/record.md: how right our predictions were; takes two minutes
	scripts/record
	go test ./internal/cli -run '^TestScores$$/^corpus$$' -update

cascade: ## regenerate the tables of docs/method/cascade.md; takes about 3 min
	go test ./prediction -run '^TestCascades$$' -timeout 30m -cascades 60 -update

recordings: ## regenerate the recordings in examples/
	go generate ./examples/...

corpus: ## make the recordings in corpus/ that are missing; 90 take about 2 h
	scripts/corpus

limits: ## measure where the lab's faults fail, into docs/limits.md; about 18 min
	scripts/limits
