// Package batch treats record batches of format v2 as bytes: it views,
// verifies, stamps and rewrites their headers, and decodes the records only
// where one must.
package batch
