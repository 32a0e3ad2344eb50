// Package gate says whether a canary may go on: pass, fail, or not enough data, from what two revisions did in the same time.
//
// Every comparison is a test that may be looked at as often as one likes (docs/canary-gate.md): a mixture of likelihood ratios,
// as in Johari, Koomen, Pekelis and Walsh, "Always Valid Inference: Continuous Monitoring of A/B Tests", Operations Research
// 70(3), 2022, whose probability of ever exceeding 1/alpha is at most alpha where nothing is wrong (Ville's inequality). The
// bounds on the generating functions are those of Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform Chernoff bounds via
// nonnegative supermartingales", Probability Surveys 17, 2020. It knows nothing of Prometheus, files or clocks.
package gate
