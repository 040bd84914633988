// Package runtime is what the generated bindings need at run time.
//
// It rests on one rule: garbage is collected at the start of a call and at no other time. While the host copies a value into
// the plugin it calls cabi_realloc, and nothing but a number says yet where the memory is that it gets. With the rule, nothing
// has to be pinned: between two collections no memory is given back, and memory of the heap never moves. (With the usual
// WASI adapter a collection there would even be a trap, since it asks for the time.)
package runtime

import (
	"runtime"
	"runtime/debug"
	"unsafe"
)

const (
	// A collection is due after so many calls …
	callsBetweenCollections = 64
	// … or so many bytes that the host has copied in.
	bytesBetweenCollections = 4 << 20
)

var (
	calls    int
	received uintptr
)

// started is false while Go's own start is under way; the heap cannot be used until then.
var started bool

func init() {
	debug.SetGCPercent(-1)
	started = true
}

// Begin is called at the start of a call that has no values in memory yet. A fresh instance does not collect: it is gone
// before that would gain anything.
func Begin() {
	calls++
	if calls < callsBetweenCollections && received < bytesBetweenCollections {
		return
	}
	calls, received = 0, 0
	runtime.GC()
}

// early is where memory comes from before Go has started: its start asks WASI for things, and the usual WASI adapter (Hookyard's
// own does not) asks for its own memory, once: a page of 64 KiB and less.
var (
	early     [160 << 10]byte
	earlyUsed uintptr
)

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if started {
		// Where there was something before, it is kept. The host never asks for that, but the adapter may.
		if oldSize != 0 {
			return grown(old, oldSize, align, size)
		}
		received += size
		return allocate(size, align)
	}
	base := uintptr(unsafe.Pointer(&early))
	start := (base+earlyUsed+align-1)&^(align-1) - base
	if start+size > uintptr(len(early)) {
		panic("too much memory is needed to start")
	}
	earlyUsed = start + size
	return unsafe.Pointer(&early[start])
}

func grown(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	grown := allocate(size, align)
	copy(unsafe.Slice((*byte)(grown), size), unsafe.Slice((*byte)(old), min(oldSize, size)))
	return grown
}

// Allocate returns memory on the heap for what a call to the host returns, or for a list that it is given.
func Allocate(pinner *Pinner, size, align uintptr) unsafe.Pointer {
	pinner.last = allocate(size, align)
	return pinner.last
}

// allocate must stay a function of its own: inlined, the compiler could put the memory on the stack, which moves as it grows.
//
//go:noinline
func allocate(size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	if align > 8 {
		panic("no value of the contract is aligned so")
	}
	// The heap aligns memory of eight bytes and more by eight, but small pieces without pointers by their size.
	if align == 1 {
		return unsafe.Pointer(unsafe.SliceData(make([]byte, size)))
	}
	return unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
}

// Pinner stands for Go's own. What is pinned need not be held in its place, but has to be on the heap, not on a stack that may
// grow and move while the arguments of a call are put together.
type Pinner struct {
	// The area through which an export returns is known as a number otherwise, and lives for ever.
	last unsafe.Pointer
}

var escaped any

//go:noinline
func (*Pinner) Pin(pointer any) { escaped = pointer }

func (*Pinner) Unpin() { escaped = nil }

// Unpin would let go of what the host copied in.
func Unpin() {}

// AddCleanup would drop a handle that nobody refers to any more. The call that owns it does that, when it returns.
func AddCleanup[T, S any](*T, func(S), S) {}

// Handle is the host's number for a resource; 0 once it is dropped.
type Handle struct{ value int32 }

func MakeHandle(value int32) *Handle {
	if value == 0 {
		panic("nil handle")
	}
	return &Handle{value}
}

func (handle *Handle) Use() int32 {
	if handle.value == 0 {
		panic("the event was used after the call that it came with")
	}
	return handle.value
}

func (handle *Handle) Take() int32 {
	value := handle.Use()
	handle.value = 0
	return value
}

func (handle *Handle) Set(value int32) {
	if value == 0 || handle.value != 0 {
		panic("handle already set")
	}
	handle.value = value
}

func (handle *Handle) TakeOrNil() int32 {
	value := handle.value
	handle.value = 0
	return value
}
