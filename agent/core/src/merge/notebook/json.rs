//! JSON as slices of its own text. A value is checked once, by a [`Walk`] over it, and then only ever cut: into the members
//! of an object or the items of an array, with the blanks between them. So number texts, escapes, key order, doubled keys
//! and indentation stay what they were, which no parsed tree of a library gives, and outputs of any size cost nothing but
//! the look over them. Nothing here recurses deeper than [`DEEPEST`].

use std::borrow::Cow;

use super::strings::lossy;
pub use super::strings::{decode, encode};
pub use super::walk::{Bad, DEEPEST, Frame, Walk, Within};

/// A member of an object.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// Its name.
    pub key: Cow<'a, str>,
    /// Name, colon and blanks as they are written.
    pub front: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// How the members of an object are set apart, and they.
pub type Object<'a> = (Frame<'a>, Vec<Member<'a>>);

/// Is this one JSON value with blanks around it? Returns where the value begins and ends.
///
/// # Errors
/// It is not, and where.
pub fn check(text: &str) -> Result<(usize, usize), Bad> {
    let mut walk = Walk::over(text);
    let start = walk.at();
    walk.value()?;
    let end = walk.at();
    walk.end().map(|()| (start, end))
}

/// The members of the object the walk stands before, as [`Walk::enter`] goes into it.
///
/// # Errors
/// It is no JSON.
pub fn object<'a>(walk: &mut Walk<'a>) -> Result<Option<Object<'a>>, Bad> {
    let Some(mut within) = walk.enter(b'{') else { return Ok(None) };
    let mut members = Vec::new();
    while walk.part(&mut within)? {
        let (key, front) = walk.name()?;
        members.push(Member { key, front, value: walk.value()? });
    }
    Ok(Some((within.frame, members)))
}

/// The members of a checked value; none when it is no object.
pub fn members(value: &str) -> Option<Object<'_>> {
    object(&mut Walk::over(value)).ok().flatten()
}

/// The items of a checked value; none when it is no array.
pub fn items(value: &str) -> Option<(Frame<'_>, Vec<&str>)> {
    let mut walk = Walk::over(value);
    let mut within = walk.enter(b'[')?;
    let mut items = Vec::new();
    while walk.part(&mut within).ok()? {
        items.push(walk.value().ok()?);
    }
    Some((within.frame, items))
}

/// The value of this name in a checked object; the last one where a name is doubled, as Python reads it.
pub fn get<'a>(value: &'a str, key: &str) -> Option<&'a str> {
    let (_, members) = members(value)?;
    members.into_iter().rev().find(|member| member.key == key).map(|member| member.value)
}

/// A string's text where it is one, as people read it: lone surrogates become the replacement sign.
pub fn text(value: &str) -> Option<Cow<'_, str>> {
    value.starts_with('"').then(|| lossy(value))
}

/// Do two checked values mean the same: blanks, escapes and the order of keys aside? Numbers mean what they spell.
pub fn same(a: &str, b: &str) -> bool {
    a == b || alike(&mut Walk::over(a), &mut Walk::over(b)) == Ok(true)
}

/// Both step by step, so that all ends where they first differ. What is the same was walked over.
fn alike(a: &mut Walk, b: &mut Walk) -> Result<bool, Bad> {
    let kind = |walk: &Walk| walk.next().filter(|next| matches!(next, b'{' | b'[' | b'"'));
    let bracket = match (kind(a), kind(b)) {
        (one, other) if one != other => return Ok(false),
        (Some(bracket @ (b'{' | b'[')), _) => bracket,
        (quote, _) => {
            let (a, b) = (a.value()?, b.value()?);
            let escaped = || quote.is_some() && (a.contains('\\') || b.contains('\\'));
            return Ok(a == b || escaped() && decode(a) == decode(b));
        }
    };
    let (Some(mut in_a), Some(mut in_b)) = (a.enter(bracket), b.enter(bracket)) else { return Ok(false) };
    loop {
        match (a.part(&mut in_a)?, b.part(&mut in_b)?) {
            (true, true) => {}
            (more, other) => return Ok(more == other),
        }
        if bracket == b'{' {
            let (one, other) = (a.name()?.0, b.name()?.0);
            if one != other {
                let (a, b) = (rest(a, &mut in_a, one)?, rest(b, &mut in_b, other)?);
                let alike = |(a, b): (&Named, &Named)| a.0 == b.0 && same(a.1, b.1);
                return Ok(a.len() == b.len() && a.iter().zip(&b).all(alike));
            }
        }
        if !alike(a, b)? {
            return Ok(false);
        }
    }
}

/// A name with its value.
type Named<'a> = (Cow<'a, str>, &'a str);

/// The value the walk stands before, which has this name, and the members after it, by their names. A stable sort: of
/// doubled names the last one counts and stays last.
fn rest<'a>(walk: &mut Walk<'a>, within: &mut Within<'a>, name: Cow<'a, str>) -> Result<Vec<Named<'a>>, Bad> {
    let mut rest = vec![(name, walk.value()?)];
    while walk.part(within)? {
        let (name, _) = walk.name()?;
        rest.push((name, walk.value()?));
    }
    rest.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(rest)
}

/// Is a name doubled in this checked object?
pub fn doubled(members: &[Member]) -> bool {
    let mut keys: Vec<_> = members.iter().map(|member| &member.key).collect();
    keys.sort();
    keys.windows(2).any(|two| two[0] == two[1])
}

/// A digest of what a checked value means: equal for values that are [`same`].
pub fn digest(values: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    values.iter().for_each(|value| feed(&mut hasher, value));
    hasher.finalize().to_hex()[..16].to_owned()
}

fn feed(hasher: &mut blake3::Hasher, value: &str) {
    let mut part = |tag: u8, bytes: &[u8]| {
        hasher.update(&[tag]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    if value.starts_with('"') {
        part(b's', &decode(value));
    } else if let Some((_, items)) = items(value) {
        part(b'a', &(items.len() as u64).to_le_bytes());
        items.iter().for_each(|item| feed(hasher, item));
    } else if let Some((_, mut members)) = members(value) {
        members.sort_by(|a, b| a.key.cmp(&b.key));
        part(b'o', &(members.len() as u64).to_le_bytes());
        for member in &members {
            hasher.update(&(member.key.len() as u64).to_le_bytes()).update(member.key.as_bytes());
            feed(hasher, member.value);
        }
    } else {
        part(b'w', value.as_bytes());
    }
}
