package model

import "math/rand/v2"

// Domains keep streams that share a user's seed apart. A domain is xored into the
// seed; the values are arbitrary and part of the reproducible output. Weights use
// the bare seed.
const (
	domainActivation = 0x9d5f3c1b7a2e6481
	domainMaskRow    = 0x3b84d1f0c96a57e3
	domainMaskCounts = 0xe1706b2d58f39c4a
	domainInit       = 0x5ac8e03f91d72b64
	domainTensorMask = 0xc27f4a9806b5d31e
)

// mix64 is the splitmix64 finalizer, a bijection of 64-bit words.
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hash is a uniform 64-bit word for coordinates (a, b) under seed. The two
// multipliers are the fractions of the golden ratio and of sqrt(2) scaled to 2^64,
// made odd: their multiples stay far apart, so that no two pairs of a small seed
// and a small a meet before mixing.
func hash(seed, a, b uint64) uint64 {
	const golden, silver = 0x9e3779b97f4a7c15, 0x6a09e667f3bcc909
	return mix64(mix64(seed+golden*(a+1)) + silver*(b+1))
}

// newPCG returns the generator of stream index under seed.
func newPCG(seed, index uint64) rand.PCG {
	var p rand.PCG
	p.Seed(hash(seed, index, 0), hash(seed, index, 1))
	return p
}

// tensorSeed is the seed of the tensor of a name: FNV-1a of the name's bytes, hashed
// under seed.
func tensorSeed(seed uint64, name string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return hash(seed, h, 0)
}
