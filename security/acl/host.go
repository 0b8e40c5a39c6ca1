package acl

import (
	"net/netip"
	"strconv"
	"strings"
)

// HostOf is an address as Java's getHostAddress prints it, which is what the
// host of a binding is compared with: IPv6 in eight groups without leading
// zeros or "::", and IPv4 mapped into IPv6 as IPv4.
func HostOf(a netip.Addr) string {
	a = a.Unmap()
	if !a.Is6() {
		return a.String()
	}
	var b strings.Builder
	bytes := a.As16()
	for i := 0; i < len(bytes); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strconv.FormatUint(uint64(bytes[i])<<8|uint64(bytes[i+1]), 16))
	}
	if a.Zone() != "" {
		b.WriteString("%" + a.Zone())
	}
	return b.String()
}
