package config

// sslSettings are the ssl.* settings that brokers and clients share.
var sslSettings = []Setting{
	{Name: "ssl.keystore.location", Kind: String, NoDefault: true, Doc: "File with our own key and certificate: JKS, PKCS#12 or PEM."},
	{Name: "ssl.keystore.password", Kind: Password, NoDefault: true, Doc: "Password of the key store; PEM files have none."},
	{Name: "ssl.keystore.type", Kind: String, Default: "JKS", Check: oneOfFold("JKS", "PKCS12", "PEM"), Doc: "What Kafka takes the key store for; the content decides."},
	{Name: "ssl.keystore.key", Kind: Password, NoDefault: true, Doc: "Private key as PEM text, in place of a file."},
	{Name: "ssl.keystore.certificate.chain", Kind: Password, NoDefault: true, Doc: "Certificates of the private key as PEM text."},
	{Name: "ssl.key.password", Kind: Password, NoDefault: true, Doc: "Password of the private key, where it differs from the store's or the PEM key is encrypted."},
	{Name: "ssl.truststore.location", Kind: String, NoDefault: true, Doc: "File with the certificates that are trusted; by default those of the system."},
	{Name: "ssl.truststore.password", Kind: Password, NoDefault: true, Doc: "Password of the trust store; without it its integrity is not checked."},
	{Name: "ssl.truststore.type", Kind: String, Default: "JKS", Check: oneOfFold("JKS", "PKCS12", "PEM"), Doc: "What Kafka takes the trust store for; the content decides."},
	{Name: "ssl.truststore.certificates", Kind: Password, NoDefault: true, Doc: "Trusted certificates as PEM text, in place of a file."},
	{Name: "ssl.protocol", Kind: String, Default: "TLSv1.3", Doc: "Newest protocol version to use, where ssl.enabled.protocols is not set."},
	{Name: "ssl.enabled.protocols", Kind: List, Default: "TLSv1.2,TLSv1.3", Doc: "Protocol versions to use."},
	{Name: "ssl.cipher.suites", Kind: List, Default: "", Doc: "Cipher suites by their Java names; empty: all that are safe."},
	{Name: "ssl.endpoint.identification.algorithm", Kind: String, Default: "https", Check: oneOfFold("https", ""), Doc: "https: the server's certificate must name its host; empty: it need not."},
	{Name: "ssl.engine.factory.class", Kind: Class, NoDefault: true, Check: absent(noPlugins), Doc: "Refused unless empty."},
}

// serverSSLSettings are for the side that accepts connections.
var serverSSLSettings = []Setting{
	{Name: "ssl.client.auth", Kind: String, Default: "none", Check: oneOfFold("required", "requested", "none"), Doc: "Whether clients must, may or need not show a certificate."},
	{Name: "ssl.principal.mapping.rules", Kind: String, Default: "DEFAULT", Doc: "How the name of a principal is made of the certificate's distinguished name."},
}

// clientSSLSettings choose whether the others count.
var clientSSLSettings = []Setting{
	{Name: "security.protocol", Kind: String, Default: "PLAINTEXT", Check: protocol, Doc: "Protocol that the brokers' listener speaks."},
}

var sslUnused = []unusedGroup{
	{"the TLS implementation is Go's", String, `
		ssl.provider ssl.secure.random.implementation ssl.keymanager.algorithm ssl.trustmanager.algorithm security.providers`},
	{"a changed store is always reloaded", Boolean, `ssl.allow.dn.changes ssl.allow.san.changes`},
}

// saslUnused can never take effect: every way to choose SASL is refused.
var saslUnused = []unusedGroup{
	{noSASL, Password, `
		sasl.jaas.config sasl.oauthbearer.client.credentials.client.secret sasl.oauthbearer.assertion.private.key.passphrase`},
	{noSASL, List, `
		sasl.enabled.mechanisms sasl.kerberos.principal.to.local.rules sasl.oauthbearer.expected.audience`},
	{noSASL, Class, `
		sasl.client.callback.handler.class sasl.login.callback.handler.class sasl.login.class
		sasl.server.callback.handler.class sasl.oauthbearer.jwt.retriever.class sasl.oauthbearer.jwt.validator.class`},
	{noSASL, String, `
		sasl.mechanism sasl.mechanism.controller.protocol sasl.mechanism.inter.broker.protocol
		sasl.kerberos.kinit.cmd sasl.kerberos.service.name
		sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.aud sasl.oauthbearer.assertion.claim.iss
		sasl.oauthbearer.assertion.claim.sub sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.private.key.file
		sasl.oauthbearer.assertion.template.file sasl.oauthbearer.client.credentials.client.id
		sasl.oauthbearer.expected.issuer sasl.oauthbearer.jwks.endpoint.url sasl.oauthbearer.scope
		sasl.oauthbearer.scope.claim.name sasl.oauthbearer.sub.claim.name sasl.oauthbearer.token.endpoint.url`},
	{noSASL, Boolean, `
		sasl.oauthbearer.assertion.claim.jti.include sasl.oauthbearer.header.urlencode`},
	{noSASL, Double, `
		sasl.kerberos.ticket.renew.jitter sasl.kerberos.ticket.renew.window.factor
		sasl.login.refresh.window.factor sasl.login.refresh.window.jitter`},
	{noSASL, Long, `
		sasl.kerberos.min.time.before.relogin sasl.login.connect.timeout.ms sasl.login.read.timeout.ms
		sasl.login.refresh.buffer.seconds sasl.login.refresh.min.period.seconds sasl.login.retry.backoff.max.ms
		sasl.login.retry.backoff.ms sasl.oauthbearer.assertion.claim.exp.seconds sasl.oauthbearer.assertion.claim.nbf.seconds
		sasl.oauthbearer.clock.skew.seconds sasl.oauthbearer.jwks.endpoint.refresh.ms
		sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms sasl.oauthbearer.jwks.endpoint.retry.backoff.ms
		sasl.server.max.receive.size`},
}
