package mirror

// Delivery is what a mirror promises about the records that it copies.
type Delivery string

// The promises. None of them loses a record.
const (
	// AtLeastOnce may copy records twice when the mirror, or a connection, or
	// the target's memory of the producer is lost.
	AtLeastOnce Delivery = "at-least-once"
	// EffectivelyOnce finds out what the target has before it goes on.
	EffectivelyOnce Delivery = "effectively-once"
	// ExactlyOnce writes records and positions in transactions.
	ExactlyOnce Delivery = "exactly-once"
)
