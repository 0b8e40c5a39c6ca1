package wire

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// layout is how one value stands in a message of one version. It is learned
// from kmsg itself, by encoding a message with one element in each array and
// looking which fields change the bytes when they change.
type layout struct {
	form   form
	least  int      // bytes it takes on the wire at least
	parts  []layout // the fields of a structure; what an array or an option holds
	memory uintptr  // what one decoded element of an array or an option takes
	tagged bool     // tagged fields follow a structure
}

type form int8

const (
	fixed     form = iota // least bytes, no more
	text                  // length of two bytes or compact
	blob                  // length of four bytes or compact
	array                 // so too, of elements
	option                // a byte, -1 for none, before a structure
	structure             // fields in their order
)

// layoutOf learns the layout of a request; flexible as its version is.
func layoutOf(request kmsg.Request) layout {
	flexible := request.IsFlexible()
	message := reflect.ValueOf(request).Elem()
	populate(message)
	encoded := string(request.AppendTo(nil))
	l := learner{flexible: flexible, changes: func() bool { return string(request.AppendTo(nil)) != encoded }}
	return l.structure(message)
}

// populate gives every array one element and every pointer to a struct one.
func populate(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				populate(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			populate(v.Index(0))
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct {
			v.Set(reflect.New(v.Type().Elem()))
			populate(v.Elem())
		}
	}
}

type learner struct {
	flexible bool
	changes  func() bool // whether the message's bytes are not as they were
}

// lengthLeast is the least that a length of wide bytes takes.
func (l learner) lengthLeast(wide int) int {
	if l.flexible {
		return 1
	}
	return wide
}

func (l learner) structure(v reflect.Value) layout {
	s := layout{form: structure, tagged: l.flexible}
	if s.tagged {
		s.least = 1
	}
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		if name == "Version" || name == "UnknownTags" {
			continue
		}
		if field.Kind() == reflect.Struct {
			// It has no bytes of its own: present if one of its fields is.
			if inner := l.structure(field); len(inner.parts) > 0 {
				s.add(inner)
			}
			continue
		}
		if l.present(field) {
			s.add(l.value(field))
		}
	}
	return s
}

func (s *layout) add(field layout) {
	s.parts = append(s.parts, field)
	s.least += field.least
}

// present changes a field and looks whether the message changes with it.
func (l learner) present(field reflect.Value) bool {
	before := reflect.New(field.Type()).Elem()
	before.Set(field)
	defer field.Set(before)
	switch field.Kind() {
	case reflect.Slice:
		if field.Len() == 0 { // bytes
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		} else {
			field.SetLen(0)
		}
	case reflect.Pointer:
		if field.IsNil() { // a text; some versions write null as ""
			field.Set(reflect.New(field.Type().Elem()))
			field.Elem().SetString("x")
		} else {
			field.SetZero()
		}
	case reflect.String:
		field.SetString("x")
	case reflect.Bool:
		field.SetBool(!field.Bool())
	case reflect.Array:
		field.Index(0).SetUint(1)
	case reflect.Float64:
		field.SetFloat(field.Float() + 1)
	case reflect.Uint16, reflect.Uint32:
		field.SetUint(field.Uint() + 1)
	default:
		field.SetInt(field.Int() + 1)
	}
	return l.changes()
}

func (l learner) value(v reflect.Value) layout {
	switch v.Kind() {
	case reflect.Struct:
		return l.structure(v)
	case reflect.String:
		return layout{form: text, least: l.lengthLeast(2)}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			return layout{form: text, least: l.lengthLeast(2)}
		}
		return layout{form: option, parts: []layout{l.structure(v.Elem())}, memory: v.Type().Elem().Size(), least: 1}
	case reflect.Slice:
		element := v.Type().Elem()
		if element.Kind() == reflect.Uint8 {
			return layout{form: blob, least: l.lengthLeast(4)}
		}
		return layout{form: array, parts: []layout{l.value(v.Index(0))}, memory: element.Size(), least: l.lengthLeast(4)}
	}
	return layout{form: fixed, least: int(v.Type().Size())} // on the wire as in memory
}

// walk passes over one value and says what decoding it takes in memory.
func (l *layout) walk(r *reader) (memory uint64) {
	switch l.form {
	case fixed:
		r.take(l.least)
	case text:
		return uint64(len(r.kmsgSpan(2)))
	case blob:
		r.kmsgSpan(4) // not copied
	case array:
		n := r.kmsgCount(l.parts[0].least)
		memory = uint64(n) * uint64(l.memory)
		for i := 0; i < n && r.fault == ""; i++ {
			memory += l.parts[0].walk(r)
		}
	case option:
		if r.int8() != -1 {
			return uint64(l.memory) + l.parts[0].walk(r)
		}
	case structure:
		for i := range l.parts {
			memory += l.parts[i].walk(r)
		}
		if l.tagged && r.kmsgTags() {
			memory += tagsMemory
		}
	}
	return memory
}

// tagsMemory is about what kmsg takes to keep the unknown tags of one struct.
const tagsMemory = maxTags * 48

// kmsgSpan reads bytes as kmsg does: every length below zero is null, where it
// does not fail on it.
func (r *reader) kmsgSpan(wide int) []byte {
	if !r.flexible && len(r.rest) >= wide && int8(r.rest[0]) < 0 {
		r.take(wide)
		return nil
	}
	b, _ := r.span(wide)
	return b
}

// kmsgCount reads the length of an array as kmsg does: every length below zero
// is null.
func (r *reader) kmsgCount(smallest int) int {
	var n int32
	if r.flexible {
		n = int32(r.uvarint()) - 1
	} else {
		n = r.int32()
	}
	if int(n) > len(r.rest)/max(smallest, 1) {
		r.fail("an array is longer than the message")
		return 0
	}
	return int(max(n, 0))
}

// kmsgTags passes over tagged fields and says whether there were any.
func (r *reader) kmsgTags() bool {
	some := len(r.rest) > 0 && r.rest[0] != 0
	r.tags(nil)
	return some
}
