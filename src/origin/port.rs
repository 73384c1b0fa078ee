//! Ports: how they are written, which one is meant where none is, and where an authority has one. Rules 2.4, 3.1, 5.8, 8.1.

/// The port that is meant where none is written (3.1).
pub(crate) fn default_port(scheme: &[u8]) -> Option<u16> {
    match scheme {
        b"https" => Some(443),
        b"http" => Some(80),
        _ => None,
    }
}

/// A port from 1 to 65535 without leading zeros.
pub(super) fn read_port(digits: &[u8]) -> Option<u16> {
    if !(1..=5).contains(&digits.len()) || digits[0] == b'0' {
        return None;
    }
    let mut port = 0;
    for digit in digits {
        port = port * 10 + char::from(*digit).to_digit(10)?;
    }
    u16::try_from(port).ok()
}

/// An authority such as `api.example:8443` as its host and what stands where a port does.
pub(crate) fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The last colon of a bracketed address without a port is not a port's.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}
