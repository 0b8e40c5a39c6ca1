package broker

import (
	"errors"
	"io/fs"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/config"
	"schloss/store"
)

// codeOf is the one place where an error of ours becomes one of Kafka's.
func codeOf(err error) kafka.ErrorCode {
	var (
		code    kafka.ErrorCode
		corrupt *batch.CorruptError
		record  *batch.RecordError
		damage  *store.DamageError
		value   *config.ValueError
		unknown *config.UnknownError
		file    *fs.PathError
	)
	switch {
	case err == nil:
		return kafka.NoError
	case errors.As(err, &code):
		return code
	case errors.Is(err, store.ErrOffsetOutOfRange):
		return kafka.ErrOffsetOutOfRange
	case errors.Is(err, store.ErrClosed):
		return kafka.ErrNotLeaderOrFollower
	case errors.Is(err, store.ErrFailed), errors.As(err, &damage), errors.As(err, &file):
		return kafka.ErrKafkaStorageError
	case errors.Is(err, batch.ErrOldFormat), errors.As(err, &record):
		return kafka.ErrInvalidRecord
	case errors.Is(err, batch.ErrTooLarge):
		return kafka.ErrMessageTooLarge
	case errors.Is(err, batch.ErrUnknownCodec):
		return kafka.ErrUnsupportedCompressionType
	case errors.As(err, &corrupt), errors.Is(err, batch.ErrShort):
		return kafka.ErrCorruptMessage
	case errors.As(err, &value), errors.As(err, &unknown):
		return kafka.ErrInvalidConfig
	default:
		return kafka.ErrUnknownServerError
	}
}

// faultError is a refusal with the sentence that tells the client why.
type faultError struct {
	code kafka.ErrorCode
	text string
}

func (e *faultError) Error() string { return e.text }
func (e *faultError) Unwrap() error { return e.code }

// messageOf is the sentence for a response, nil where the code says it all.
// What went wrong inside is for our log, not for the peer.
func messageOf(err error) *string {
	if err == nil {
		return nil
	}
	code := codeOf(err)
	text := err.Error()
	if code == kafka.ErrUnknownServerError || code == kafka.ErrKafkaStorageError || text == code.Error() {
		return nil
	}
	return &text
}
