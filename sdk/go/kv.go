package plugin

import (
	"errors"

	"hookyard/plugin/internal/hookyard_plugin_kv"
	"hookyard/plugin/internal/wit/types"
)

// The key-value store takes the grant allow = { kv = true }. What is written is committed with the result of the chain. A time
// to live is in seconds and starts with the commit; 0: for ever.

// ErrQuota is returned where a limit on size, keys or operations would be exceeded. The operation did nothing.
var ErrQuota = errors.New("quota")

// UnavailableError is returned where the store cannot be reached.
type UnavailableError struct{ Reason string }

func (err *UnavailableError) Error() string { return "the store is unavailable: " + err.Reason }

// KVGet is the value of a key, and whether it is there.
func KVGet(key string) ([]byte, bool, error) {
	option, err := kvResult(hookyard_plugin_kv.Get(key))
	value, found := option.Get()
	return value, found, err
}

// KVSet sets a key.
func KVSet(key string, value []byte, ttl uint32) error {
	_, err := kvResult(hookyard_plugin_kv.Set(key, value, ttl))
	return err
}

// KVRemove removes a key; does nothing if it is absent.
func KVRemove(key string) error {
	_, err := kvResult(hookyard_plugin_kv.Remove(key))
	return err
}

// KVIncrement adds to a counter and returns the sum.
func KVIncrement(key string, delta int64, ttl uint32) (int64, error) {
	return kvResult(hookyard_plugin_kv.Increment(key, delta, ttl))
}

// KVCompareAndSet sets a key if its value is expected, or, where expected is nil, if it is absent. Returns whether it did.
func KVCompareAndSet(key string, expected, value []byte, ttl uint32) (bool, error) {
	before := types.None[[]byte]()
	if expected != nil {
		before = types.Some(expected)
	}
	return kvResult(hookyard_plugin_kv.CompareAndSet(key, before, value, ttl))
}

func kvResult[T any](result types.Result[T, hookyard_plugin_kv.KvError]) (T, error) {
	if result.Tag() == types.ResultOk {
		return result.Ok(), nil
	}
	var none T
	if err := result.Err(); err.Tag() == hookyard_plugin_kv.KvErrorUnavailable {
		return none, &UnavailableError{err.Unavailable()}
	}
	return none, ErrQuota
}
