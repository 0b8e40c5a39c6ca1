package client

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/wire"
)

// Greet asks for the versions that the broker speaks, as every client does
// first, and checks that an answer of Kafka's comes back.
func Greet(ctx context.Context, nc net.Conn) error {
	body, err := exchange(ctx, nc, kmsg.NewPtrApiVersionsRequest(), 0)
	if err != nil {
		return err
	}
	var versions kmsg.ApiVersionsResponse
	if err := versions.ReadFrom(body); err != nil || versions.ErrorCode != 0 || len(versions.ApiKeys) == 0 {
		return ErrNotKafka
	}
	metadata := (&kmsg.MetadataRequest{}).Key()
	if !slices.ContainsFunc(versions.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == metadata }) {
		return ErrController
	}
	return nil
}

// AdvertisedNodes asks a broker that has been greeted which brokers there are, and by
// which addresses clients are to reach them. A listener that wants SASL closes
// the connection instead: ErrClosed.
func AdvertisedNodes(ctx context.Context, nc net.Conn) ([]Node, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // from version 1 on: none
	body, err := exchange(ctx, nc, req, 1)
	if err != nil {
		return nil, err
	}
	resp := kmsg.MetadataResponse{Version: 1}
	if err := resp.ReadFrom(body); err != nil {
		return nil, ErrNotKafka
	}
	nodes := make([]Node, 0, len(resp.Brokers))
	for _, b := range resp.Brokers {
		nodes = append(nodes, Node{ID: kafka.NodeID(b.NodeID), Host: b.Host, Port: b.Port})
	}
	return nodes, nil
}

// Mechanisms asks a listener on a fresh connection which mechanisms of SASL it
// offers. One that wants none says so, or hangs up: no mechanisms.
func Mechanisms(ctx context.Context, nc net.Conn) ([]string, error) {
	req := kmsg.NewPtrSASLHandshakeRequest()
	req.Mechanism = "NONE" // which nobody has; the answer lists those that are there
	body, err := exchange(ctx, nc, req, 1)
	if err != nil {
		return nil, err
	}
	resp := kmsg.SASLHandshakeResponse{Version: 1}
	if err := resp.ReadFrom(body); err != nil {
		return nil, ErrNotKafka
	}
	return resp.SupportedMechanisms, nil
}

// exchange sends one request and reads its answer, trusting nothing about the
// peer. The version must be one whose answer has the oldest header.
func exchange(ctx context.Context, nc net.Conn, req kmsg.Request, version int16) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok {
		nc.SetDeadline(deadline)
		defer nc.SetDeadline(time.Time{})
	}
	const correlation = 1
	req.SetVersion(version)
	frame := make([]byte, 4, 64)
	frame = wire.AppendRequestHeader(frame, wire.RequestHeader{Key: req.Key(), Version: version, CorrelationID: correlation, ClientID: "schloss"})
	frame = req.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := nc.Write(frame); err != nil {
		return nil, greetError(err)
	}
	var head [8]byte
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		return nil, greetError(err)
	}
	// A TLS peer answers plaintext with an alert: type 21, version 3.x.
	if head[0] == 21 && head[1] == 3 {
		return nil, ErrPlaintextToTLS
	}
	const most = 1 << 20 // of an answer to a stranger's first questions
	size := int32(binary.BigEndian.Uint32(head[:4]))
	if size < 4 || size > most || binary.BigEndian.Uint32(head[4:]) != correlation {
		return nil, ErrNotKafka
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(nc, body); err != nil {
		return nil, greetError(err)
	}
	return body, nil
}

func greetError(err error) error {
	switch {
	case isTimeout(err):
		return ErrTimeout
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err):
		return ErrClosed
	}
	return err
}
