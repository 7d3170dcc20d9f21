//! Allowed targets of deliveries (protection against SSRF). A webhook's URL is chosen by the holder of an API key, so
//! the server must not be made to call what only it can reach. Addresses that are not public are refused, both as
//! literals before the call and as the result of name resolution, and the address that was checked is the one connected
//! to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Upper bound on the length of a URL.
pub const MAX_URL_BYTES: usize = 2048;

/// The rules for targets.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Networks that are allowed although they are not public.
    pub allow: Vec<IpNet>,
    /// Whether this machine itself is allowed when the URL names it, by a loopback address or as localhost. Other names
    /// that resolve to it stay refused: the owner of a name chooses its address, and may change it.
    pub loopback: bool,
    /// Whether `http` is allowed to public addresses too.
    pub plain_http: bool,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// IANA's IPv4 special-purpose registry (RFC 6890), multicast and reserved addresses.
const NOT_PUBLIC_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// Addresses that look public but lead into the network of a cloud's customer: Azure's host (DNS, DHCP, metadata),
/// IBM's private services, Equinix' metadata, Google's private and restricted endpoints.
const OF_CLOUDS: [Ipv4Net; 6] = [
    v4(168, 63, 129, 16, 32),
    v4(161, 26, 0, 0, 16),
    v4(166, 8, 0, 0, 14),
    v4(192, 80, 8, 124, 32),
    v4(199, 36, 153, 4, 30),
    v4(199, 36, 153, 8, 30),
];

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// Global unicast (RFC 4291); everything outside is local, multicast, translated or reserved.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// Inside it: protocol assignments with Teredo (RFC 2928), documentation (RFC 3849, RFC 9637), 6to4 (RFC 3056).
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0x0db8, 32), v6(0x3fff, 0, 20), v6(0x2002, 0, 16)];

impl Targets {
    /// Rules that allow every address and scheme, for callers that check them elsewhere.
    pub fn anywhere() -> Targets {
        let all = [IpNet::V4(v4(0, 0, 0, 0, 0)), IpNet::V6(v6(0, 0, 0))];
        Targets { allow: all.into(), loopback: true, plain_http: true }
    }

    /// Whether an address is allowed that the URL itself names, or that localhost resolves to.
    fn allow_named(&self, address: IpAddr) -> bool {
        self.loopback && address.to_canonical().is_loopback() || self.allow(address)
    }

    /// Whether an address is allowed.
    pub fn allow(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.allow.iter().any(|network| network.contains(&address)) {
            return true;
        }
        match address {
            IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().chain(&OF_CLOUDS).any(|network| network.contains(&address)),
            IpAddr::V6(address) => {
                GLOBAL_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(&address))
            }
        }
    }

    /// Parses the URL and checks what its text shows; the error states what is wrong. It is parsed by the WHATWG URL
    /// standard, as in browsers, so decimal, octal and hexadecimal spellings of an address are that address.
    pub fn check(&self, text: &str) -> Result<Url, String> {
        let too_long = || format!("must have at most {MAX_URL_BYTES} characters, also once it is percent-encoded");
        if text.len() > MAX_URL_BYTES {
            return Err(too_long());
        }
        let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(too_long());
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must begin with https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not carry a user name or password; set a token instead".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must not have a fragment (#…)".to_owned());
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if !matches!(port, 80 | 443) && port < 1024 {
            return Err(format!("has the port {port}; 80, 443 and those from 1024 on are called"));
        }
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let literal = host.parse::<IpAddr>().ok().or_else(|| is_localhost(&host).then_some(Ipv4Addr::LOCALHOST.into()));
        if let Some(address) = literal
            && !self.allow_named(address)
        {
            return Err(not_allowed(&host));
        }
        let within_reach = literal.is_some_and(|address| {
            self.allow_named(address) && address.to_canonical().is_loopback()
                || self.allow.iter().any(|net| net.contains(&address))
        });
        if url.scheme() == "http" && !self.plain_http && !within_reach {
            return Err("must begin with https://; http is for the sandbox (webhooks.plain_http)".to_owned());
        }
        Ok(url)
    }
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

fn not_allowed(host: &str) -> String {
    format!(
        "{host} is not a public address. Allow its network with webhooks.allow_private (PAYGEN_WEBHOOKS_ALLOW_PRIVATE), or forward events to it with `paygen listen --forward-to`"
    )
}

/// A resolver that returns only allowed addresses.
pub struct CheckedResolver(pub Arc<Targets>);

/// No address of a name is allowed. The error does not reveal whether the name has addresses at all, because that would
/// disclose names of the server's own network.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no public address. Check the name; a name of a private network needs webhooks.allow_private")]
pub struct NotAllowed(String);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let found: std::io::Result<Vec<SocketAddr>> = found.map(Iterator::collect);
            let local = is_localhost(&host);
            let may = |address: &&SocketAddr| {
                if local { targets.allow_named(address.ip()) } else { targets.allow(address.ip()) }
            };
            let allowed = found.as_ref().ok().into_iter().flatten().filter(may);
            let allowed: Vec<SocketAddr> = allowed.copied().collect();
            if allowed.is_empty() {
                tracing::info!(host, ?found, "a webhook's host name has no allowed address");
                return Err(NotAllowed(host).into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use reqwest::dns::Resolve;

    use super::{CheckedResolver, Targets};

    #[test]
    fn only_public_addresses_are_allowed() {
        let targets = Targets { allow: Vec::new(), loopback: false, plain_http: true };
        let cases = [
            ("93.184.215.14", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("169.254.169.254", false),
            ("168.63.129.16", false),
            ("168.63.129.17", true),
            ("::ffff:168.63.129.16", false),
            ("161.26.0.7", false),
            ("166.9.12.3", false),
            ("192.80.8.124", false),
            ("199.36.153.11", false),
            ("100.100.100.200", false),
            ("192.0.0.192", false),
            ("fd00:ec2::254", false),
            ("172.15.255.255", true),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.8", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:93.184.215.14", true),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("2002:7f00:1::", false),
            ("2606:2800:21f:cb07::1", true),
        ];
        for (address, expected) in cases {
            assert_eq!(targets.allow(address.parse::<IpAddr>().expect(address)), expected, "{address}");
        }
        let targets =
            Targets { allow: vec!["127.0.0.0/8".parse().expect("a network")], loopback: false, plain_http: true };
        for (address, expected) in [("127.0.0.1", true), ("::ffff:127.0.0.1", true), ("10.0.0.1", false)] {
            assert_eq!(targets.allow(address.parse::<IpAddr>().expect(address)), expected, "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_not_public_reads_as_one_that_does_not_exist() {
        let resolver = CheckedResolver(Arc::new(Targets::default()));
        let error_of = async |name: &str| {
            let resolving = resolver.resolve(name.parse().expect("a name"));
            resolving.await.err().expect("no address of it is called").to_string().replace(name, "NAME")
        };
        let inside = error_of("localhost").await;
        assert_eq!(inside, error_of("no-such-name.invalid").await);
        assert!(inside.contains("no public address"), "{inside}");
    }

    #[tokio::test]
    async fn this_machine_is_called_only_when_the_url_says_so() {
        let local = Targets { allow: Vec::new(), loopback: true, plain_http: false };
        let cases = [
            ("http://localhost:3000/hook", true),
            ("http://a.localhost:3000/hook", true),
            ("http://127.0.0.1:3000/hook", true),
            ("http://127.9.9.9:3000/hook", true),
            ("http://2130706433:3000/hook", true),
            ("http://[::1]:3000/hook", true),
            ("http://[::ffff:127.0.0.1]:3000/hook", true),
            ("http://localhost:22/hook", false),
            ("http://0.0.0.0:3000/hook", false),
            ("http://10.0.0.1:3000/hook", false),
            ("http://[fd00::1]:3000/hook", false),
            ("http://169.254.169.254/hook", false),
            ("http://example.com:3000/hook", false),
        ];
        for (url, expected) in cases {
            assert_eq!(local.check(url).is_ok(), expected, "{url}: {:?}", local.check(url));
        }
        // Any other name that resolves to this machine is refused, whatever it resolved to when the URL was checked.
        assert!(
            !local.allow("127.0.0.1".parse().expect("an address")) && !local.allow("::1".parse().expect("an address"))
        );
        let resolver = CheckedResolver(Arc::new(local));
        assert!(resolver.resolve("localhost".parse().expect("a name")).await.is_ok());
    }

    #[test]
    fn urls_are_read_as_a_browser_reads_them() {
        let targets = Targets { allow: Vec::new(), loopback: false, plain_http: false };
        let cases = [
            ("https://example.com/hook?x=1", None),
            ("https://example.com:8443/", None),
            ("http://example.com/", Some("https://")),
            ("https://127.0.0.1/", Some("not a public address")),
            ("https://2130706433/", Some("not a public address")),
            ("https://0x7f000001/", Some("not a public address")),
            ("https://0177.0.0.1/", Some("not a public address")),
            ("https://127.1/", Some("not a public address")),
            ("https://[::1]/", Some("not a public address")),
            ("https://[::ffff:7f00:1]/", Some("not a public address")),
            ("https://[::ffff:169.254.169.254]/", Some("not a public address")),
            ("https://localhost:3000/", Some("not a public address")),
            ("https://a.localhost./", Some("not a public address")),
            ("https://１２７.0.0.1/", Some("not a public address")),
            ("https://user:secret@example.com/", Some("user name")),
            ("https://example.com/#part", Some("fragment")),
            ("https://example.com:22/", Some("port 22")),
            ("ftp://example.com/", Some("https://")),
            ("file:///etc/passwd", Some("https://")),
            ("gopher://example.com/", Some("https://")),
            ("//example.com/", Some("not a URL")),
            ("", Some("not a URL")),
        ];
        for (url, expected) in cases {
            match (targets.check(url), expected) {
                (Ok(_), None) => {}
                (Err(why), Some(part)) => assert!(why.contains(part), "{url}: {why}"),
                (found, _) => panic!("{url}: {found:?}"),
            }
        }
        let long = format!("https://example.com/{}", "a".repeat(2048));
        assert!(targets.check(&long).expect_err("too long").contains("2048"));
        let local =
            Targets { allow: vec!["127.0.0.0/8".parse().expect("a network")], loopback: false, plain_http: false };
        for url in ["http://127.0.0.1:3000/hook", "http://localhost:3000/hook"] {
            assert!(local.check(url).is_ok(), "{url}");
        }
    }
}
