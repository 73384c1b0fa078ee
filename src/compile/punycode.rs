//! The name that a browser sends for a host outside ASCII. In: a host as people write it. Out: its Punycode form, for a
//! suggestion. Nothing is matched by it. Rule 2.7.
//!
//! Mapping names fully takes tables (UTS #46). Here only letters are read that these tables leave as they are once they
//! are in lower case; for others there is no suggestion, rather than a wrong one.

/// The host with every label outside ASCII in Punycode; none where a letter would need the tables.
pub(super) fn host(host: &str) -> Option<String> {
    // The full stops of Chinese and Japanese separate labels as well.
    let mut encoded = String::new();
    for (at, label) in host.split(['.', '\u{3002}', '\u{ff0e}']).enumerate() {
        if at > 0 {
            encoded.push('.');
        }
        encoded.push_str(&self::label(label)?);
    }
    Some(encoded)
}

fn label(label: &str) -> Option<String> {
    let mut lower = String::new();
    let mut is_plain = true;
    for letter in label.chars().flat_map(char::to_lowercase) {
        is_plain &= letter.is_ascii_alphanumeric() || letter == '-' || is_stable(letter);
        lower.push(letter);
    }
    match lower.is_ascii() {
        true => Some(lower),
        false if is_plain && !lower.starts_with("xn--") => encode(&lower),
        false => None,
    }
}

/// Whether a lower-case letter stays itself in a name.
fn is_stable(letter: char) -> bool {
    let is_in_script = matches!(
        letter,
        '\u{df}'..='\u{131}' | '\u{134}'..='\u{13e}' | '\u{141}'..='\u{148}' | '\u{14a}'..='\u{17e}' // Latin
            | '\u{3ac}'..='\u{3ce}' | '\u{430}'..='\u{45f}' | '\u{5d0}'..='\u{5ea}' // Greek, Cyrillic, Hebrew
            | '\u{620}'..='\u{64a}' | '\u{e01}'..='\u{e30}' // Arabic, Thai
            | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}' // kana
            | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' // Han, Hangul
    );
    is_in_script && letter.is_alphabetic()
}

/// Encodes a label (RFC 3492, section 6.3). One that is too long for the DNS is not worth it.
fn encode(label: &str) -> Option<String> {
    let letters = label.chars().map(u32::from).collect::<Vec<_>>();
    if letters.len() > 63 {
        return None;
    }
    let mut encoded = label.chars().filter(char::is_ascii).collect::<String>();
    let basic = u32::try_from(encoded.len()).ok()?;
    if basic > 0 {
        encoded.push('-');
    }
    let (mut reached, mut delta, mut bias, mut handled) = (0x80, 0_u32, 72, basic);
    while let Some(next) = letters.iter().copied().filter(|&letter| letter >= reached).min() {
        delta = delta.checked_add((next - reached).checked_mul(handled + 1)?)?;
        reached = next;
        for &letter in &letters {
            if letter < reached {
                delta = delta.checked_add(1)?;
            } else if letter == reached {
                push_integer(&mut encoded, delta, bias);
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        reached += 1;
    }
    Some(format!("xn--{encoded}"))
}

/// Writes a number in base 36 with thresholds (RFC 3492, section 3.3).
fn push_integer(encoded: &mut String, mut number: u32, bias: u32) {
    // `a` to `z` are 0 to 25, the ten digits follow.
    let digit = |value: u32| char::from_digit(if value < 26 { value + 10 } else { value - 26 }, 36);
    for base in (36..).step_by(36) {
        let threshold = u32::saturating_sub(base, bias).clamp(1, 26);
        if number < threshold {
            break;
        }
        encoded.extend(digit(threshold + (number - threshold) % (36 - threshold)));
        number = (number - threshold) / (36 - threshold);
    }
    encoded.extend(digit(number));
}

/// How the thresholds move (RFC 3492, section 6.1).
fn adapt(delta: u32, handled: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / 700 } else { delta / 2 };
    delta += delta / handled;
    let mut steps = 0;
    while delta > 455 {
        delta /= 35;
        steps += 36;
    }
    steps + 36 * delta / (delta + 38)
}
