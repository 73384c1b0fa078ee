//! The name that a browser sends for a host outside ASCII. In: a host as people write it. Out: its Punycode form, for a
//! suggestion. Nothing is matched by it. Rule 2.7.
//!
//! Mapping names fully takes tables (UTS #46). Here only letters are read that these tables leave as they are once they
//! are in lower case; for others there is no suggestion, rather than a wrong one. The crate `idna` 1.1 maps all of them, and
//! brings 26 crates for this one message.

/// The host with every label outside ASCII in Punycode; none where a letter would need the tables.
pub(super) fn host(host: &str) -> Option<String> {
    let mut encoded = Vec::new();
    let mut label = Vec::new();
    for character in host.chars() {
        // The full stops of Chinese and Japanese separate labels as well.
        if matches!(character, '.' | '\u{3002}' | '\u{ff0e}') {
            push_label(&mut encoded, &label)?;
            encoded.push(b'.');
            label.clear();
        } else {
            label.extend(character.to_lowercase());
        }
    }
    push_label(&mut encoded, &label)?;
    String::from_utf8(encoded).ok()
}

/// Writes a label: as it is within ASCII, else in Punycode.
fn push_label(encoded: &mut Vec<u8>, label: &[char]) -> Option<()> {
    let is_ascii = label.iter().all(char::is_ascii);
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-' || is_stable(*letter);
    let is_encoded = label.starts_with(&['x', 'n', '-', '-']);
    // A label that is too long for the DNS is not worth it.
    if !is_ascii && (label.len() > 63 || is_encoded || !label.iter().all(is_plain)) {
        return None;
    }
    if !is_ascii {
        encoded.extend_from_slice(b"xn--");
    }
    let start = encoded.len();
    encoded.extend(label.iter().filter(|letter| letter.is_ascii()).map(|&letter| letter as u8));
    if !is_ascii {
        push_others(encoded, label, (encoded.len() - start) as u32);
    }
    Some(())
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

/// Writes the letters outside ASCII of a label, whose `basic` others are there already (RFC 3492, section 6.3).
fn push_others(encoded: &mut Vec<u8>, label: &[char], basic: u32) {
    if basic > 0 {
        encoded.push(b'-');
    }
    let letters = || label.iter().map(|&letter| u32::from(letter));
    // A label of 63 letters keeps every number below 2^27.
    let (mut reached, mut delta, mut bias, mut handled) = (0x80, 0, 72, basic);
    while let Some(next) = letters().filter(|&letter| letter >= reached).min() {
        delta += (next - reached) * (handled + 1);
        for letter in letters() {
            if letter < next {
                delta += 1;
            } else if letter == next {
                push_integer(encoded, delta, bias);
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        reached = next + 1;
    }
}

/// Writes a number in base 36 with thresholds (RFC 3492, section 3.3).
fn push_integer(encoded: &mut Vec<u8>, mut number: u32, bias: u32) {
    let mut base = 36_u32;
    loop {
        let threshold = base.saturating_sub(bias).clamp(1, 26);
        let is_last = number < threshold;
        let digit = if is_last { number } else { threshold + (number - threshold) % (36 - threshold) };
        encoded.push(b"abcdefghijklmnopqrstuvwxyz0123456789"[digit as usize]);
        if is_last {
            return;
        }
        number = (number - threshold) / (36 - threshold);
        base += 36;
    }
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
