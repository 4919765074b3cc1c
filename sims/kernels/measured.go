package kernels

// Measured is one reduce over a row of PEs, fp32, as the vendor's cycle-accurate fabric simulator
// (WSE-2) counted it in 2023: cycles at PE 0 after its last add.
type Measured struct {
	Algorithm            Algorithm
	Group, PEs, Elements int
	Cycles               int
	Source               string
}

// MeasuredReduces are published next to the chain reduce. Their program for two-phase counts from the start of PE 0's task.
func MeasuredReduces() (all []Measured) {
	const dir = "pr0f3ss/SpMM_Cerebras, src/mpi_collectives/"
	for i, c := range []int{10055, 9421, 9117, 8989, 8973, 9061, 9297, 9800} {
		all = append(all, Measured{TwoPhaseReduce, 2 << i, 512, 4096, c, dir + "reduce_0_pe/reduce_2colors_2phase/results.txt"})
	}
	for i, c := range []int{742, 748, 760, 784, 832, 931, 1155, 1646, 2681, 4977, 9585, 18801, 37233, 74097} {
		all = append(all, Measured{TreeReduce, 0, 512, 1 << i, c, dir + "final/reduce_2colors_low_depth/results.txt"})
	}
	return all
}
