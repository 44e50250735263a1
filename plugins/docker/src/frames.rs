//! The form in which an engine sends two outputs over one stream: eight bytes that say which and how many, then
//! the bytes. Large pieces are passed on as they come, so that nothing stands whole in memory.

use std::io::{self, Read};

/// Which output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Pass each piece on until the stream ends, or `each` wants no more. The flag says whether a frame ends with it.
///
/// # Errors
/// The stream breaks, ends in the middle of a frame, or is not of this form; whatever `each` says.
pub fn each_piece(
    mut from: impl Read,
    mut each: impl FnMut(Output, &[u8], bool) -> io::Result<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut head = [0; 8];
        let mut got = 0;
        while got < head.len() {
            match from.read(&mut head[got..])? {
                0 if got == 0 => return Ok(()),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => got += more,
            }
        }
        let output = match head {
            [0 | 1, 0, 0, 0, ..] => Output::Out,
            [2, 0, 0, 0, ..] => Output::Err,
            // What the engine itself has to say about the stream.
            [3, 0, 0, 0, ..] => Output::Err,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "not a stream of two outputs")),
        };
        let mut left = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        while left > 0 {
            let most = left.min(buffer.len());
            let count = from.read(&mut buffer[..most])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= count;
            if !each(output, &buffer[..count], left == 0)? {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let mut frame = vec![kind, 0, 0, 0];
        frame.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        frame.extend(bytes);
        frame
    }

    /// Gives a few bytes at a time, as a network does.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = into.len().min(self.1).min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    proptest! {
        #[test]
        fn outputs_come_out_as_they_went_in(
            frames in proptest::collection::vec((1_u8..3, proptest::collection::vec(any::<u8>(), 0..300)), 0..20),
            pieces in 1_usize..50,
        ) {
            let stream: Vec<u8> = frames.iter().flat_map(|(kind, bytes)| frame(*kind, bytes)).collect();
            let (mut out, mut err) = (Vec::<u8>::new(), Vec::<u8>::new());
            each_piece(Slowly(&stream, pieces), |output, bytes, _| {
                if output == Output::Out { out.extend(bytes) } else { err.extend(bytes) }
                Ok(true)
            }).unwrap();
            let of = |wanted: u8| frames.iter().filter(|(kind, _)| *kind == wanted).flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>();
            prop_assert_eq!(out, of(1));
            prop_assert_eq!(err, of(2));
        }

        #[test]
        fn any_bytes_end_in_a_result(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = each_piece(&bytes[..], |_, _, _| Ok(true));
        }
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_broken() {
        let whole = frame(1, b"hello");
        for end in 1..whole.len() {
            assert!(each_piece(&whole[..end], |_, _, _| Ok(true)).is_err(), "{end}");
        }
        assert!(each_piece(&b"plain text, no frames"[..], |_, _, _| Ok(true)).is_err());
    }

    #[test]
    fn it_stops_when_nobody_wants_more() {
        let mut stream = frame(1, b"a");
        stream.extend(frame(1, b"b"));
        let mut got = Vec::<u8>::new();
        each_piece(&stream[..], |_, bytes, _| {
            got.extend(bytes);
            Ok(false)
        })
        .unwrap();
        assert_eq!(got, b"a");
    }
}
