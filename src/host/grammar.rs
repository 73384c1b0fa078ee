//! The grammar of the hosts of origins: labels, IPv4 in dotted-quad form, compressed IPv6. In: bytes that begin with a
//! lower-case host. Out: how many of them belong to it, or nothing. Rules 2.4, 3.4.

use std::{io::Write, net::Ipv4Addr};

use super::ipv6::{Ipv6Host, MAX_IPV6_HOST};

/// The longest host, in bytes (RFC 1035 without the trailing dot).
pub(crate) const MAX_HOST: usize = 253;

/// What a byte is in a DNS name or a dotted quad; one look-up a byte instead of five comparisons.
static KINDS: [Kind; 256] = {
    let mut table = [Kind::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => Kind::OfLabel,
            b'.' => Kind::Dot,
            _ => Kind::Other,
        };
        byte += 1;
    }
    table
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OfLabel,
    Dot,
    Other,
}

/// The length of the lower-case host at the start of `text`, if it is well-formed.
pub(crate) fn read_host(text: &[u8]) -> Option<usize> {
    let length = if text.first() == Some(&b'[') { read_ipv6(text)? } else { read_labels(text)? };
    (length <= MAX_HOST).then_some(length)
}

fn read_labels(text: &[u8]) -> Option<usize> {
    let (mut label, mut length) = (0, text.len());
    for (at, &byte) in text.iter().enumerate() {
        match KINDS[usize::from(byte)] {
            Kind::OfLabel => {}
            // 3.2, 3.4: no label is empty, neither the first or last nor one between two dots.
            Kind::Dot if at == label => return None,
            Kind::Dot => label = at + 1,
            Kind::Other => {
                length = at;
                break;
            }
        }
    }
    let (host, last) = (text.get(..length)?, text.get(label..length)?);
    // The URL standard reads a host whose last label is a number as an IPv4 address and prints it in one way only.
    // Such a label begins with a digit, which hardly any host's last label does.
    let number = last.first()?.is_ascii_digit() && (last.iter().all(u8::is_ascii_digit) || is_hex_number(last));
    (!number || is_ipv4(host)).then_some(length)
}

fn is_hex_number(label: &[u8]) -> bool {
    label.strip_prefix(b"0x").is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether `host` is four decimal numbers up to 255 without leading zeros.
fn is_ipv4(host: &[u8]) -> bool {
    std::str::from_utf8(host).is_ok_and(|host| host.parse::<Ipv4Addr>().is_ok())
}

/// The length of the bracketed IPv6 address at the start of `text`, if it stands as the URL standard prints it.
fn read_ipv6(text: &[u8]) -> Option<usize> {
    let length = text.iter().take(MAX_IPV6_HOST).position(|&byte| byte == b']')? + 1;
    let address = std::str::from_utf8(&text[1..length - 1]).ok()?.parse().ok()?;
    // Into a buffer on the stack, since a request is matched without allocating.
    let mut printed = [0; MAX_IPV6_HOST];
    let mut space = &mut printed[..];
    write!(space, "{}", Ipv6Host(address)).ok()?;
    let printed_length = MAX_IPV6_HOST - space.len();
    (printed[..printed_length] == text[..length]).then_some(length)
}
