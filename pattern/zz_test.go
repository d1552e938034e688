package pattern
import ("testing";"math";"math/rand/v2";"time";"fmt";"github.com/foreshock/foreshock/signal";"github.com/foreshock/foreshock/stats";"os";"strconv")
type gen struct{ r *rand.Rand; rho,x float64; kind string }
func (g *gen) next() float64 {
 e:=g.r.NormFloat64()
 g.x = g.rho*g.x+math.Sqrt(1-g.rho*g.rho)*e
 switch g.kind {
 case "skew": // lognormal-ish marginal
   return 100+5*(math.Exp(0.8*g.x)-math.Exp(.32))/math.Sqrt((math.Exp(.64)-1)*math.Exp(.64))
 case "heavy":
   u:=stats.NormalCDF(g.x); u=math.Min(1-1e-9,math.Max(1e-9,u))
   return 100+5*stats.StudentQuantile(u,3)/math.Sqrt(3)
 }
 return 100+5*g.x
}
func run(seed uint64,kind string,rho float64,K,n int,mod func(sig,f int,x float64)float64, rel float64)(warn bool,why string,prom bool,leak bool){
 r:=rand.New(rand.NewPCG(seed,7))
 type S struct{ a,b gen; before,during,can *Track}
 ss:=make([]*S,K)
 cell:=func(v float64)signal.Cell{return signal.Cell{Readings:[]signal.Reading{{Value:v,N:math.NaN(),Events:math.NaN(),Presence:signal.Present,Age:time.Hour}}}}
 for i:=range ss{ s:=&S{a:gen{r,rho,r.NormFloat64(),kind},b:gen{r,rho,r.NormFloat64(),kind},before:NewTrack(0),during:NewTrack(60),can:NewTrack(60)}
  for f:=0;f<60;f++{ s.before.Add(f,cell(s.b.next()),60)}
  ss[i]=s}
 for f:=60;f<60+n;f++{
  logs:=make([]float64,K); cs:=make([]Comparison,K)
  maxH:=0.0; eff:=1e9
  for i,s:=range ss{
   s.during.Add(f,cell(s.b.next()),60)
   x:=s.a.next(); if mod!=nil{x=mod(i,f-60,x)}
   s.can.Add(f,cell(x),60)
   c,_:=Compare(s.can,s.during,s.before,signal.Up,Size{Relative:rel,Noise:0})
   cs[i]=c; 
   e:=c.LogE
   if c.Effect<c.Size || c.Effective<MinEffective || c.Frames<3 {e=0}
   if c.SlopeLogE>e && c.Slope>0 && c.Whole+c.Slope*c.Frames*1.5>=c.Size && c.Effective>=MinEffective{ e=c.SlopeLogE }
   logs[i]=e
   maxH=math.Max(maxH,c.HarmProbability()); eff=math.Min(eff,c.Own)
  }
  rej:=stats.EBH(logs,0.002)
  if len(rej)>0 && !warn { warn=true; c:=cs[rej[0]]; why=fmt.Sprintf("f=%d eff=%.1f size=%.1f logE=%.1f slopeE=%.1f tau=%.1f sd=%.1f own=%.1f neff=%.1f",f-60,c.Effect,c.Size,c.LogE,c.SlopeLogE,c.Tau,c.SD,c.Own,c.Effective); leak=cs[rej[0]].SlopeLogE>cs[rej[0]].LogE}
  prom = maxH<0.2 && eff>=5
 }
 return
}
func TestZZ(t *testing.T){ t.Parallel()
 N,_:=strconv.Atoi(os.Getenv("ZN")); if N==0{N=200}
 for _,kind:=range []string{"gauss","skew","heavy"}{ for _,rho:=range []float64{0,.5,.8,.95}{ for _,K:=range []int{5,20}{ for _,n:=range []int{12,60,200}{
  if n==200&&K==5 {continue}
  w,p:=0,0; ex:=""
  for i:=0;i<N;i++{ a,why,pr,_:=run(uint64(i),kind,rho,K,n,nil,.10); if a{w++; ex=why}; if pr{p++}}
  fmt.Printf("%-6s rho=%.2f K=%d n=%d warn=%.3f promote=%.3f %s\n",kind,rho,K,n,float64(w)/float64(N),float64(p)/float64(N),ex)
 }}}}
 pow:=func(name string,rho,rel float64,mod func(sig,f int,x float64)float64){ w:=0; l:=0; ex:=""
  for i:=0;i<N;i++{ a,why,_,lk:=run(uint64(i),"gauss",rho,5,60,mod,rel); if a{w++;ex=why}; if lk{l++} }
  fmt.Printf("%-20s rho=%.1f warn=%.3f slope=%.3f %s\n",name,rho,float64(w)/float64(N),float64(l)/float64(N),ex)}
 pow("x2 last10%",0,.1,func(s,f int,x float64)float64{ if s==0&&f>=54{return 2*x}; return x})
 pow("x2 last20%",0,.1,func(s,f int,x float64)float64{ if s==0&&f>=48{return 2*x}; return x})
 pow("leak.2",0,.15,func(s,f int,x float64)float64{ if s==0{return x+.2*float64(f)}; return x})
 pow("leak.4",0,.15,func(s,f int,x float64)float64{ if s==0{return x+.4*float64(f)}; return x})
 pow("leak.2",.5,.15,func(s,f int,x float64)float64{ if s==0{return x+.2*float64(f)}; return x})
 pow("leak.4",.5,.15,func(s,f int,x float64)float64{ if s==0{return x+.4*float64(f)}; return x})
 pow("+15%",0,.1,func(s,f int,x float64)float64{ if s==0{return x*1.15}; return x})
}
