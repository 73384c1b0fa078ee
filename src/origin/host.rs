//! The grammar of hosts that origins and patterns share: labels, IPv4 in dotted-quad form, compressed IPv6.
//! In: bytes that begin with a host. Out: how many of them belong to it, or nothing. Rules 2.4, 3.4.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest host of an origin, in bytes (RFC 1035 without the trailing dot).
pub(super) const MAX_HOST: usize = 253;

/// Whether a byte may stand in a DNS name or a dotted quad; one look-up a byte instead of five comparisons.
static IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        byte += 1;
    }
    table
};

/// The length of the lower-case host at the start of `text`, if it is well-formed.
pub(super) fn read(text: &[u8]) -> Option<usize> {
    let length = if text.first() == Some(&b'[') { read_ipv6(text)? } else { read_labels(text)? };
    (length <= MAX_HOST).then_some(length)
}

fn read_labels(text: &[u8]) -> Option<usize> {
    let length = text.iter().position(|&byte| !IN_NAME[byte as usize]).unwrap_or(text.len());
    let host = &text[..length];
    // 3.2, 3.4: no label is empty, neither the first or last nor one between two dots.
    let mut label = 0;
    for (at, _) in host.iter().enumerate().filter(|(_, byte)| **byte == b'.') {
        if at == label {
            return None;
        }
        label = at + 1;
    }
    let last = &host[label..];
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
    let length = text.iter().take(MAX_IPV6).position(|&byte| byte == b']')? + 1;
    let address = std::str::from_utf8(&text[1..length - 1]).ok()?.parse().ok()?;
    let mut printed = [0; MAX_IPV6];
    (print_ipv6(address, &mut printed) == &text[..length]).then_some(length)
}

/// `[` + eight groups of four digits with their colons + `]`.
const MAX_IPV6: usize = 41;

/// Prints an address as the URL standard does (unlike `std`, it never writes the last groups as IPv4).
pub(super) fn print_ipv6(address: Ipv6Addr, buffer: &mut [u8; MAX_IPV6]) -> &[u8] {
    let groups = address.segments();
    let (gap, after_gap) = longest_zeros(&groups);
    let mut length = 0;
    let mut push = |byte: u8| {
        buffer[length] = byte;
        length += 1;
    };
    push(b'[');
    let mut group = 0;
    while group < 8 {
        if group == gap {
            push(b':');
            push(b':');
            group = after_gap;
            continue;
        }
        if group != 0 && group != after_gap {
            push(b':');
        }
        let value = groups[group];
        let digits = (u16::BITS - value.leading_zeros()).div_ceil(4).max(1);
        for digit in (0..digits).rev() {
            push(b"0123456789abcdef"[usize::from(value >> (4 * digit) & 0xf)]);
        }
        group += 1;
    }
    push(b']');
    &buffer[..length]
}

/// Where the first longest run of two or more zero groups starts and ends; behind the last group where there is none.
fn longest_zeros(groups: &[u16; 8]) -> (usize, usize) {
    let mut longest = (8, 8);
    let mut longest_length = 1;
    let mut length = 0;
    for (at, group) in groups.iter().enumerate() {
        length = if *group == 0 { length + 1 } else { 0 };
        if length > longest_length {
            longest = (at + 1 - length, at + 1);
            longest_length = length;
        }
    }
    longest
}
