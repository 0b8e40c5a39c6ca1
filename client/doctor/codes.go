package doctor

import (
	"errors"
	"net"
	"slices"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/keystore"
	"schloss/security/ssl"
)

// Code names one thing that can be wrong. Codes never change their meaning.
type Code string

// Entry explains a code.
type Entry struct {
	Code  Code
	Title string
	Cause string
	Cure  string
}

// The codes, explained in Entries.
const (
	BadSettings      Code = "SL-CFG-01"
	BadServer        Code = "SL-CFG-02"
	NotBuilt         Code = "SL-CFG-03"
	NoStore          Code = "SL-KEY-01"
	WrongPassword    Code = "SL-KEY-02"
	WrongKeyPassword Code = "SL-KEY-03"
	PasswordNeeded   Code = "SL-KEY-04"
	NoStoreFormat    Code = "SL-KEY-05"
	NoPrivateKey     Code = "SL-KEY-06"
	OtherStoreType   Code = "SL-KEY-07"
	NoAddress        Code = "SL-DNS-01"
	NobodyListens    Code = "SL-TCP-01"
	NoConnection     Code = "SL-TCP-02"
	PlaintextToTLS   Code = "SL-TLS-01"
	TLSToPlaintext   Code = "SL-TLS-02"
	UnknownIssuer    Code = "SL-TLS-03"
	OtherHost        Code = "SL-TLS-04"
	OutOfDates       Code = "SL-TLS-05"
	ExpiresSoon      Code = "SL-TLS-06"
	NothingCommon    Code = "SL-TLS-07"
	Weak             Code = "SL-TLS-08"
	HostUnchecked    Code = "SL-TLS-09"
	CertificateAsked Code = "SL-TLS-10"
	CertificateBad   Code = "SL-TLS-11"
	HostInCN         Code = "SL-TLS-12"
	OwnOutOfDates    Code = "SL-TLS-13"
	HandshakeEnded   Code = "SL-TLS-14"
	WantsSASL        Code = "SL-SASL-01"
	NotKafka         Code = "SL-NET-01"
	Controller       Code = "SL-NET-02"
	HungUp           Code = "SL-NET-03"
	Silent           Code = "SL-NET-04"
	AdvertisedDNS    Code = "SL-ADV-01"
	AdvertisedTCP    Code = "SL-ADV-02"
	AdvertisedTLS    Code = "SL-ADV-03"
	AdvertisedLocal  Code = "SL-ADV-04"
	NoMetadata       Code = "SL-META-01"
	NoTopic          Code = "SL-TOPIC-01"
	NoLeader         Code = "SL-TOPIC-02"
	Denied           Code = "SL-ACL-01"
	RightsUnknown    Code = "SL-ACL-02"
	Nameless         Code = "SL-ACL-03"
)

// Explain is the entry of a code, in whatever case it is written.
func Explain(code Code) (Entry, bool) {
	i := slices.IndexFunc(Entries, func(e Entry) bool { return e.Code == code })
	if i < 0 {
		return Entry{}, false
	}
	return Entries[i], true
}

// CodeOf is the code of an error from reading settings, connecting or asking,
// "" for others.
func CodeOf(err error) Code {
	var advertised *client.AdvertisedError
	if errors.As(err, &advertised) {
		return advertisedCode(advertised.Err)
	}
	for _, known := range sentinels {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	if code := codeOfType(err); code != "" {
		return code
	}
	var connect *client.ConnectError
	if !errors.As(err, &connect) {
		return ""
	}
	switch connect.Step {
	case client.Resolve:
		return NoAddress
	case client.Connect:
		if errors.Is(err, syscall.ECONNREFUSED) {
			return NobodyListens
		}
		return NoConnection
	case client.TLS:
		return HandshakeEnded
	}
	return Silent
}

func advertisedCode(err error) Code {
	var connect *client.ConnectError
	if !errors.As(err, &connect) {
		return AdvertisedTCP
	}
	switch connect.Step {
	case client.Resolve:
		return AdvertisedDNS
	case client.Connect:
		return AdvertisedTCP
	}
	return AdvertisedTLS
}

var sentinels = []struct {
	err  error
	code Code
}{
	{client.ErrPlaintextToTLS, PlaintextToTLS},
	{client.ErrTLSToPlaintext, TLSToPlaintext},
	{client.ErrNotKafka, NotKafka},
	{client.ErrController, Controller},
	{keystore.ErrWrongKeyPassword, WrongKeyPassword},
	{keystore.ErrWrongPassword, WrongPassword},
	{keystore.ErrPasswordNeeded, PasswordNeeded},
	{ssl.ErrNoPrivateKey, NoPrivateKey},
	{ssl.ErrNoKeyStore, NoStore},
	{ssl.ErrNoTrustStore, NoStore},
	{ssl.ErrNoClientCertificate, CertificateAsked},
	{client.ErrClosed, HungUp},
	{kafka.ErrLeaderNotAvailable, NoLeader},
	{kerr.LeaderNotAvailable, NoLeader},
}

func codeOfType(err error) Code {
	var alert *ssl.AlertError
	switch {
	case isA[*client.SASLError](err):
		return WantsSASL
	case isA[*ssl.UnknownCAError](err):
		return UnknownIssuer
	case isA[*ssl.HostError](err):
		return OtherHost
	case isA[*ssl.ExpiredError](err):
		return OutOfDates
	case isA[*ssl.NothingCommonError](err):
		return NothingCommon
	case isA[*ssl.WeakError](err):
		return Weak
	case errors.As(err, &alert):
		return alertCode(alert.Code)
	case isA[*keystore.FormatError](err):
		return NoStoreFormat
	case isA[*net.DNSError](err):
		return NoAddress
	case isA[*client.DeniedError](err):
		return Denied
	case isA[*config.FileError](err), isA[*config.SyntaxError](err), isA[*config.UnknownError](err), isA[*config.ValueError](err):
		return BadSettings
	case isA[*client.SettingError](err):
		return settingCode(err)
	case isA[*keystore.FileError](err):
		return NoStore
	}
	return ""
}

func settingCode(err error) Code {
	var setting *client.SettingError
	errors.As(err, &setting)
	switch setting.Key {
	case "bootstrap.servers":
		return BadServer
	case "security.protocol":
		return NotBuilt
	}
	return BadSettings
}

// TLS alerts (RFC 8446, section 6) as a client gets them.
func alertCode(alert uint8) Code {
	const handshakeFailure, badCertificate, expired, unknownCertificate, unknownCA, protocolVersion, insufficientSecurity, certificateRequired = 40, 42, 45, 46, 48, 70, 71, 116
	switch alert {
	case certificateRequired:
		return CertificateAsked
	case badCertificate, unknownCertificate, unknownCA:
		return CertificateBad
	case expired:
		return OwnOutOfDates
	case handshakeFailure, protocolVersion, insufficientSecurity:
		return NothingCommon
	}
	return HandshakeEnded
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
