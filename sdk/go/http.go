package plugin

import (
	"errors"

	"hookyard/plugin/internal/hookyard_plugin_http"
	"hookyard/plugin/internal/wit/types"
)

// Request is an HTTP request: Method, Url, Headers, Body and TimeoutMs (0: as long as the call's own time allows).
type Request = hookyard_plugin_http.Request

var (
	// ErrTimeout: no complete response in time. The request may have been processed.
	ErrTimeout = errors.New("timeout")
	// ErrTooLarge: the request or the response is larger than the host's limit.
	ErrTooLarge = errors.New("too large")
)

// DeniedError is returned where the operator has not allowed the request. No connection was made.
type DeniedError struct{ Reason string }

func (err *DeniedError) Error() string { return "denied: " + err.Reason }

// FailedError is returned where the request is malformed, or the exchange failed.
type FailedError struct{ Reason string }

func (err *FailedError) Error() string { return "failed: " + err.Reason }

// Send sends a request and waits for the whole response; any status is a response. Takes the grant
// allow = { http = ["https://api.example.com"] }.
func Send(request Request) (Response, error) {
	result := hookyard_plugin_http.Send(request)
	if result.Tag() == types.ResultOk {
		return result.Ok(), nil
	}
	switch err := result.Err(); err.Tag() {
	case hookyard_plugin_http.HttpErrorDenied:
		return Response{}, &DeniedError{err.Denied()}
	case hookyard_plugin_http.HttpErrorTimeout:
		return Response{}, ErrTimeout
	case hookyard_plugin_http.HttpErrorTooLarge:
		return Response{}, ErrTooLarge
	default:
		return Response{}, &FailedError{err.Failed()}
	}
}
