// Package types has the generic types of the contract, as the generated bindings want them.
package types

const (
	OptionNone uint8 = 0
	OptionSome uint8 = 1

	ResultOk  uint8 = 0
	ResultErr uint8 = 1
)

// Unit is the value of a result that has none.
type Unit struct{}

// Option is a value or its absence.
type Option[T any] struct {
	tag   uint8
	value T
}

func Some[T any](value T) Option[T] { return Option[T]{OptionSome, value} }

func None[T any]() Option[T] { return Option[T]{} }

func (option Option[T]) Tag() uint8 { return option.tag }

func (option Option[T]) Some() T {
	if option.tag != OptionSome {
		panic("there is no value")
	}
	return option.value
}

// Get returns the value and whether there is one, as a map does.
func (option Option[T]) Get() (T, bool) { return option.value, option.tag == OptionSome }

// Result is a value or why there is none.
type Result[T, E any] struct {
	tag uint8
	ok  T
	err E
}

func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{tag: ResultOk, ok: value} }

func Err[T, E any](err E) Result[T, E] { return Result[T, E]{tag: ResultErr, err: err} }

func (result Result[T, E]) Tag() uint8 { return result.tag }

func (result Result[T, E]) Ok() T {
	if result.tag != ResultOk {
		panic("the result is an error")
	}
	return result.ok
}

func (result Result[T, E]) Err() E {
	if result.tag != ResultErr {
		panic("the result is no error")
	}
	return result.err
}
