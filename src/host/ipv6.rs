//! IPv6 addresses as hosts. In: an address. Out: its text in brackets, as the URL standard prints it. Rule 2.4.

use std::{fmt, net::Ipv6Addr};

/// `[` + eight groups of four digits with their colons + `]`.
pub(super) const MAX_IPV6_HOST: usize = 41;

/// An address that is printed in brackets (URL standard, IPv6 serializer).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ipv6Host(pub(crate) Ipv6Addr);

impl fmt::Display for Ipv6Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.segments() {
            // `std` compresses zeros as the URL standard does, but prints the end of a mapped address as IPv4.
            [0, 0, 0, 0, 0, 0xffff, high, low] => write!(f, "[::ffff:{high:x}:{low:x}]"),
            _ => write!(f, "[{}]", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 5952, section 4, and the addresses that `std` prints otherwise.
    #[test]
    fn an_address_is_printed_as_the_url_standard_prints_it() {
        let rows = [
            ("2001:DB8:0:0:0:0:2:1", "[2001:db8::2:1]"),
            ("2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]"),
            ("2001:0:0:1:0:0:0:1", "[2001:0:0:1::1]"),
            ("2001:db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]"),
            ("0:0:0:0:0:0:0:0", "[::]"),
            ("0:0:0:0:0:0:0:1", "[::1]"),
            ("1:0:0:0:0:0:0:0", "[1::]"),
            ("::ffff:192.0.2.1", "[::ffff:c000:201]"),
            ("::ffff:0.0.0.0", "[::ffff:0:0]"),
            ("::192.0.2.1", "[::c000:201]"),
            ("64:ff9b::192.0.2.1", "[64:ff9b::c000:201]"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"),
        ];
        for (written, printed) in rows {
            let text = Ipv6Host(written.parse().unwrap()).to_string();
            assert_eq!(text, printed, "{written}");
            assert!(text.len() <= MAX_IPV6_HOST, "{written}");
        }
    }
}
