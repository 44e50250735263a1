//! What the containers print, line by line. Following is asking again from where the last answer ended: so one
//! thread follows several containers, the caller can stop at any line, and a container made afresh is not lost.

use std::io::{self, Read};
use std::time::Duration;

use kitbag_sdk::engine::Request;
use kitbag_sdk::{EnvRef, Fault};

use crate::api::Api;
use crate::frames::each_piece;
use crate::look::{self, Found};
use crate::{names, place, plan};

/// Lines of the past that come first.
const FIRST: usize = 400;
/// A line is cut after so many bytes.
const LONGEST: usize = 64 << 10;

/// Give the lines of one service, or of each container, to `out` until it says no.
///
/// # Errors
/// `not-found` for an absent environment or service; `cancelled` while following.
pub fn read(
    api: &Api<'_>,
    id: &EnvRef,
    service: Option<&str>,
    follow: bool,
    out: &mut dyn FnMut(&str, &str) -> bool,
) -> Result<(), Fault> {
    let all = look::containers(api, id)?;
    if all.is_empty() {
        return Err(plan::missing());
    }
    let chosen: Vec<Found> = match service {
        Some(service) => vec![place::of_service(all, service)?],
        None => all,
    };
    let mut places: Vec<Place> = chosen
        .into_iter()
        .map(|one| Place { source: service.map_or(one.part, str::to_owned), container: one.name, last: None })
        .collect();
    loop {
        for place in &mut places {
            if !place.forward(api, out)? {
                return Ok(());
            }
        }
        if !follow {
            return Ok(());
        }
        api.host().pause(Duration::from_millis(300))?;
    }
}

/// The last ten lines of a container; nothing when they cannot be had, since that must not hide why it is asked.
pub fn last_lines(api: &Api<'_>, source: &str, container: &str) -> String {
    let mut lines = Vec::new();
    let mut place = Place { source: source.to_owned(), container: container.to_owned(), last: None };
    let _ = place.forward(api, &mut |_, line| {
        lines.push(line.to_owned());
        true
    });
    lines.retain(|line| !line.trim().is_empty());
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Where a container's log was left.
struct Place {
    source: String,
    container: String,
    /// The time of the last line that was given, and how many lines of that time were.
    last: Option<(String, usize)>,
}

impl Place {
    /// Everything there is by now. False: nobody wants more.
    fn forward(&mut self, api: &Api<'_>, out: &mut dyn FnMut(&str, &str) -> bool) -> Result<bool, Fault> {
        let container = names::encode(&self.container);
        let Some(about) = api.find(&format!("/containers/{container}/json"))? else { return Ok(true) };
        let terminal = about["Config"]["Tty"] == true;
        let range = match &self.last {
            None => format!("tail={FIRST}"),
            Some((time, _)) => format!("since={}", unix(time).unwrap_or_default()),
        };
        let path = format!("/containers/{container}/logs?stdout=1&stderr=1&timestamps=1&{range}");
        let answer = api.done(Request::new("GET", path))?;
        let mut lines = Lines { last: self.last.clone(), again: 0, seen: self.last.clone(), more: true };
        let mut give = |line: &str| out(&self.source, line);
        // Each output has its own unfinished line.
        let mut rest = [Vec::new(), Vec::new()];
        let mut piece = |which: usize, bytes: &[u8]| -> io::Result<bool> {
            for part in bytes.split_inclusive(|&byte| byte == b'\n') {
                rest[which].extend(part);
                if part.ends_with(b"\n") {
                    let line = std::mem::take(&mut rest[which]);
                    if !lines.give(&line, &mut give) {
                        return Ok(false);
                    }
                }
            }
            // No line is longer; what is beyond is dropped.
            rest[which].truncate(LONGEST);
            Ok(true)
        };
        if terminal {
            let mut body = answer.body;
            let mut buffer = vec![0; 16 << 10];
            loop {
                let count = body.read(&mut buffer)?;
                if count == 0 || !piece(0, &buffer[..count])? {
                    break;
                }
            }
        } else {
            each_piece(answer.body, |output, bytes, _| piece(output as usize, bytes))?;
        }
        // A last line without an end, as a program that stops in the middle leaves.
        for line in rest.iter().filter(|line| !line.is_empty()) {
            if lines.more {
                lines.give(line, &mut give);
            }
        }
        self.last = lines.seen;
        Ok(lines.more)
    }
}

/// Tells the lines that were given last time from new ones: the engine gives those of the last moment again.
struct Lines {
    last: Option<(String, usize)>,
    again: usize,
    seen: Option<(String, usize)>,
    more: bool,
}

impl Lines {
    fn give(&mut self, line: &[u8], out: &mut dyn FnMut(&str) -> bool) -> bool {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        let (time, text) = text.split_once(' ').unwrap_or((text, ""));
        if let Some((last, count)) = &self.last {
            if time < last.as_str() {
                return true;
            }
            if time == last && self.again < *count {
                self.again += 1;
                return true;
            }
        }
        match &mut self.seen {
            Some((seen, count)) if seen == time => *count += 1,
            seen => *seen = Some((time.to_owned(), 1)),
        }
        self.more = out(text);
        self.more
    }
}

/// `2026-11-23T05:22:56.787716699Z` as seconds since 1970 with a fraction, which is what the engine asks for.
fn unix(time: &str) -> Option<String> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.split(':').map(str::parse::<i64>);
    let (hours, minutes, seconds) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    // Years that begin in March, so that the odd day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 719_469;
    Some(format!("{}.{fraction}", ((days * 24 + hours) * 60 + minutes) * 60 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_seconds() {
        for (time, seconds) in [
            ("1970-01-01T00:00:00.000000000Z", "0.000000000"),
            ("2000-02-29T23:59:59.5Z", "951868799.5"),
            ("2026-11-23T05:22:56.787716699Z", "1795411376.787716699"),
            ("2026-03-01T00:00:00Z", "1772323200.0"),
        ] {
            assert_eq!(unix(time).as_deref(), Some(seconds), "{time}");
        }
        assert_eq!(unix("yesterday"), None);
    }

    #[test]
    fn lines_of_the_last_moment_come_once() {
        let mut got = Vec::new();
        let mut lines = Lines { last: None, again: 0, seen: None, more: true };
        for line in ["1 a\n", "2 b\n", "2 c\r\n"] {
            lines.give(line.as_bytes(), &mut |text| {
                got.push(text.to_owned());
                true
            });
        }
        let mut next = Lines { last: lines.seen.clone(), again: 0, seen: lines.seen, more: true };
        for line in ["2 b\n", "2 c\n", "2 d\n", "3 e with words\n"] {
            next.give(line.as_bytes(), &mut |text| {
                got.push(text.to_owned());
                true
            });
        }
        assert_eq!(got, ["a", "b", "c", "d", "e with words"]);
        assert_eq!(next.seen, Some(("3".to_owned(), 1)));
    }
}
