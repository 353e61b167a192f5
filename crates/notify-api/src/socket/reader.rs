//! Reads lines and mails of a client that may send anything, or nothing.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::socket::Rules;

/// Up to so many bytes a request needs no place among the long ones.
const SHORT: usize = 64 << 10;

/// The bytes that a client sends.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    from: BufReader<R>,
    long: Arc<Semaphore>,
}

/// What was read, and its place among the long requests when it is one.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    /// Whether more came than is taken.
    pub(crate) cut: bool,
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

/// Why nothing was read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The client is gone, or was quiet for long: nobody waits for an answer.
    Gone,
    /// It stopped in the middle.
    Stalled,
    /// The line is longer than is taken.
    TooLong,
    /// There were too many long requests for too long.
    Crowded,
}

impl From<io::Error> for Unread {
    fn from(_: io::Error) -> Self {
        Unread::Gone
    }
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// `long` has a place for each long request that may be in memory.
    pub(crate) fn new(from: R, long: Arc<Semaphore>) -> Self {
        Reader {
            from: BufReader::new(from),
            long,
        }
    }

    /// The first byte of the next request, which stays unread.
    pub(crate) async fn first(&mut self, rules: &Rules) -> Result<u8, Unread> {
        let buffer = timeout(rules.idle, self.from.fill_buf()).await;
        let buffer = buffer.map_err(|_elapsed| Unread::Gone)??;
        buffer.first().copied().ok_or(Unread::Gone)
    }

    /// One line, without its end. The last one may lack it.
    pub(crate) async fn line(&mut self, rules: &Rules) -> Result<Taken, Unread> {
        let end = Instant::now() + rules.request;
        let mut taken = Taken::default();
        loop {
            let buffer = more(&mut self.from, rules, end).await?;
            let found = buffer.iter().position(|byte| *byte == b'\n');
            let length = found.unwrap_or(buffer.len());
            let is_last = found.is_some() || buffer.is_empty();
            if taken.bytes.len() + length > rules.max_size {
                return Err(Unread::TooLong);
            }
            taken.extend(&buffer[..length], &self.long, end).await?;
            self.from.consume(found.map_or(length, |at| at + 1));
            if is_last {
                return Ok(taken);
            }
        }
    }

    /// So many bytes, or all to the end; what is above the bound is read and left out.
    pub(crate) async fn body(
        &mut self,
        length: Option<u64>,
        rules: &Rules,
    ) -> Result<Taken, Unread> {
        let end = Instant::now() + rules.request;
        let mut taken = Taken::default();
        let mut left = length.unwrap_or(u64::MAX);
        while left > 0 {
            let buffer = more(&mut self.from, rules, end).await?;
            if buffer.is_empty() {
                // Of a mail whose length is known, a part is no mail.
                return length.map_or(Ok(taken), |_| Err(Unread::Gone));
            }
            let arrived = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let kept = arrived.min(rules.max_size - taken.bytes.len());
            taken.cut |= kept < arrived;
            taken.extend(&buffer[..kept], &self.long, end).await?;
            self.from.consume(arrived);
            left -= arrived as u64;
        }
        Ok(taken)
    }

    /// Waits until the client is gone; for ever when it has sent more instead.
    pub(crate) async fn gone(&mut self) {
        if let Ok([_, ..]) = self.from.fill_buf().await {
            std::future::pending::<()>().await;
        }
    }
}

impl Taken {
    async fn extend(
        &mut self,
        bytes: &[u8],
        long: &Arc<Semaphore>,
        end: Instant,
    ) -> Result<(), Unread> {
        if self.place.is_none() && self.bytes.len() + bytes.len() > SHORT {
            let place = timeout_at(end, Arc::clone(long).acquire_owned()).await;
            let place = place.map_err(|_elapsed| Unread::Crowded)?;
            self.place = Some(place.map_err(|_closed| Unread::Crowded)?);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// The next bytes; none at the end.
async fn more<'b>(
    from: &'b mut (impl AsyncBufRead + Unpin),
    rules: &Rules,
    end: Instant,
) -> Result<&'b [u8], Unread> {
    let patience = end.min(Instant::now() + rules.stall);
    let buffer = timeout_at(patience, from.fill_buf()).await;
    Ok(buffer.map_err(|_elapsed| Unread::Stalled)??)
}

#[cfg(test)]
mod tests {
    use super::{Reader, SHORT, Taken, Unread};
    use crate::socket::{Access, Rules};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt as _;
    use tokio::sync::Semaphore;

    fn rules(max_size: usize) -> Rules {
        Rules {
            max_size,
            ..Rules::new(Access::default())
        }
    }

    fn reader(bytes: &[u8]) -> Reader<&[u8]> {
        Reader::new(bytes, Arc::new(Semaphore::new(1)))
    }

    #[tokio::test]
    async fn lines_come_one_after_the_other() {
        let mut reader = reader(b"a\n\nbc");
        for expected in ["a", "", "bc", ""] {
            let line = reader.line(&rules(2)).await.expect("a line");
            assert_eq!(line.bytes, expected.as_bytes());
        }
        assert!(matches!(reader.first(&rules(2)).await, Err(Unread::Gone)));
    }

    #[tokio::test]
    async fn a_long_line_is_refused_before_it_is_kept() {
        let mut reader = reader(b"abc\n");
        assert!(matches!(reader.line(&rules(2)).await, Err(Unread::TooLong)));
    }

    #[tokio::test]
    async fn a_long_mail_is_read_and_cut() {
        let mut counted = reader(b"abcdef\nnext");
        let Taken { bytes, cut, .. } = counted.body(Some(6), &rules(2)).await.expect("a mail");
        assert_eq!((bytes.as_slice(), cut), (b"ab".as_slice(), true));
        let rest = counted.line(&rules(9)).await.expect("a line");
        assert_eq!(rest.bytes, b"");
        let Taken { bytes, cut, .. } = counted.body(None, &rules(4)).await.expect("a mail");
        assert_eq!((bytes.as_slice(), cut), (b"next".as_slice(), false));
    }

    #[tokio::test]
    async fn a_part_of_a_mail_is_no_mail() {
        let part = reader(b"abc").body(Some(4), &rules(9)).await;
        assert!(matches!(part, Err(Unread::Gone)), "{part:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_is_not_waited_for() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut reader = Reader::new(near, Arc::new(Semaphore::new(1)));
        far.write_all(b"{").await.expect("room");
        assert!(matches!(reader.first(&rules(9)).await, Ok(b'{')));
        let line = reader.line(&rules(9)).await;
        assert!(matches!(line, Err(Unread::Stalled)), "{line:?}");
        assert!(matches!(reader.first(&rules(9)).await, Err(Unread::Gone)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_trickles_is_not_waited_for() {
        let (near, mut far) = tokio::io::duplex(1);
        let trickle = tokio::spawn(async move {
            while far.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        });
        let mut reader = Reader::new(near, Arc::new(Semaphore::new(1)));
        let line = reader.line(&rules(1 << 20)).await;
        assert!(matches!(line, Err(Unread::Stalled)), "{line:?}");
        drop(reader);
        trickle.await.expect("it ends with the reader");
    }

    #[tokio::test(start_paused = true)]
    async fn long_requests_wait_for_a_place() {
        let long = Arc::new(Semaphore::new(1));
        let bytes = vec![b'x'; SHORT + 1];
        let rules = rules(1 << 20);
        let read = async || {
            let mut reader = Reader::new(bytes.as_slice(), Arc::clone(&long));
            reader.line(&rules).await
        };
        let first = read().await.expect("a line");
        let second = read().await;
        assert!(matches!(second, Err(Unread::Crowded)), "{second:?}");
        drop(first);
        assert!(read().await.is_ok());
    }
}
