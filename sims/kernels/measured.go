package kernels

// Measured is one reduce over a row of PEs, fp32, as the vendor's cycle-accurate fabric simulator
// (WSE-2) counted it in 2023: cycles at PE 0 after its last add.
type Measured struct {
	Algorithm            Algorithm
	Group, PEs, Elements int
	Keep                 bool // its program keeps two descriptors loaded
	Cycles               int
	Source               string
}

// MeasuredReduces are published next to the chain reduce. The two-phase reduce over group sizes counts from
// the start of PE 0's task, and is of another year and program than the one over elements.
func MeasuredReduces() (all []Measured) {
	const dir = "pr0f3ss/SpMM_Cerebras, src/mpi_collectives/"
	for i, c := range []int{10055, 9421, 9117, 8989, 8973, 9061, 9297, 9800} {
		all = append(all, Measured{TwoPhaseReduce, 2 << i, 512, 4096, true, c, dir + "reduce_0_pe/reduce_2colors_2phase/results.txt"})
	}
	for i, c := range []int{819, 821, 825, 833, 849, 881, 945, 1073, 1329, 1841, 2865, 4913, 9009, 17201} {
		all = append(all, Measured{TwoPhaseReduce, 32, 512, 1 << i, false, c, dir + "final/reduce_2colors_dynamic/results.txt"})
	}
	for i, c := range []int{742, 748, 760, 784, 832, 931, 1155, 1646, 2681, 4977, 9585, 18801, 37233, 74097} {
		all = append(all, Measured{TreeReduce, 0, 512, 1 << i, false, c, dir + "final/reduce_2colors_low_depth/results.txt"})
	}
	return all
}
