package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// shapeStore is a MemoryX without values whose block matrices all have one kind of mask.
func shapeStore(s *compiler.Space, spec model.MaskSpec) (*Store, error) {
	l, err := model.NewLayout(s.Model)
	if err != nil {
		return nil, err
	}
	specs := make([]model.MaskSpec, len(l.Tensors))
	for i, t := range l.Tensors {
		if t.Kind == model.KindLinear {
			specs[i] = model.TensorMask(spec, t.Name)
		}
	}
	return NewShapeStore(s, l, specs)
}
