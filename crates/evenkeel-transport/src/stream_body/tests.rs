use std::collections::VecDeque;
use std::task::Waker;

use evenkeel_error::ErrorKind;

use super::*;

struct Pieces(VecDeque<Poll<Result<Bytes, std::io::Error>>>);

impl Stream for Pieces {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(piece)) => Poll::Ready(Some(piece)),
        }
    }
}

fn piece() -> Poll<Result<Bytes, std::io::Error>> {
    Poll::Ready(Ok(Bytes::from_static(b"12345")))
}

fn body(
    pieces: impl IntoIterator<Item = Poll<Result<Bytes, std::io::Error>>>,
    length: Option<u64>,
) -> StreamBody {
    StreamBody::once(Pieces(pieces.into_iter().collect()), length)
}

fn next(reader: &mut BodyReader) -> Poll<Option<Result<Bytes, Error>>> {
    Pin::new(reader).poll_next(&mut Context::from_waker(Waker::noop()))
}

fn read(reader: &mut BodyReader) -> Result<usize, Error> {
    let mut size = 0;
    loop {
        match next(reader) {
            Poll::Ready(Some(chunk)) => size += chunk?.len(),
            Poll::Ready(None) => return Ok(size),
            Poll::Pending => panic!("nothing here waits"),
        }
    }
}

#[test]
fn a_body_is_spent_by_its_first_chunk_and_not_by_waiting_for_it() {
    let body = body([Poll::Pending, piece(), piece()], None);
    let mut first = body.reader().unwrap();
    assert!(next(&mut first).is_pending());
    assert_eq!(body.state(), BodyState::Ready);
    let mut second = body.clone().reader().unwrap();
    assert!(matches!(next(&mut first), Poll::Ready(Some(Err(_)))));
    assert!(matches!(next(&mut second), Poll::Ready(Some(Ok(_)))));
    assert_eq!((body.state(), body.taken()), (BodyState::Spent, 5));
    assert_eq!(body.reader().unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert_eq!(read(&mut second).unwrap(), 5, "its reader reads on");
}

#[test]
fn a_body_that_can_be_opened_again_is_read_from_its_beginning_by_the_newest_reader_alone() {
    let open = || Pieces([piece(), piece()].into());
    let body = StreamBody::repeatable(open, Some(10));
    let mut first = body.reader().unwrap();
    assert!(next(&mut first).is_ready());
    let mut second = body.reader().unwrap();
    assert!(
        read(&mut first).is_err(),
        "the connection of before is not served"
    );
    assert_eq!(read(&mut second).unwrap(), 10);
    assert_eq!((body.state(), body.taken()), (BodyState::Ready, 15));
}

#[test]
fn a_source_with_another_length_than_it_was_given_is_at_fault() {
    for (length, fault) in [
        (None, None),
        (Some(10), None),
        (Some(9), Some("body has more bytes than its length says")),
        (Some(11), Some("body has fewer bytes than its length says")),
    ] {
        let body = body([piece(), piece()], length);
        let mut reader = body.reader().unwrap();
        let read = read(&mut reader);
        assert_eq!(read.as_ref().err().and_then(Error::message), fault);
        assert_eq!(reader.fault().take().is_some(), fault.is_some());
        assert!(reader.fault().take().is_none());
    }
}

#[test]
fn a_source_that_goes_on_behind_its_length_is_not_handed_on_as_the_whole() {
    let empty = || Poll::Ready(Ok(Bytes::new()));
    for behind in [piece(), Poll::Ready(Err(std::io::Error::other("late")))] {
        let body = body([piece(), Poll::Pending, empty(), behind], Some(5));
        let mut reader = body.reader().unwrap();
        for _ in 0..2 {
            assert!(next(&mut reader).is_pending(), "five bytes may be all");
        }
        assert!(matches!(next(&mut reader), Poll::Ready(Some(Err(_)))));
        assert!(matches!(next(&mut reader), Poll::Ready(None)));
    }
    let body = body([piece(), Poll::Pending, empty()], Some(5));
    let mut reader = body.reader().unwrap();
    for _ in 0..2 {
        assert!(next(&mut reader).is_pending());
    }
    assert_eq!(read(&mut reader).unwrap(), 5);
}

#[test]
fn a_source_that_fails_ends_the_body_and_is_the_cause() {
    let broken = Poll::Ready(Err(std::io::Error::other("disk on fire")));
    let body = body([piece(), broken, piece()], None);
    let mut reader = body.reader().unwrap();
    assert_eq!(
        read(&mut reader).unwrap_err().kind(),
        ErrorKind::InvalidConfig
    );
    let error = reader.fault().take().unwrap();
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "disk on fire");
    assert_eq!(read(&mut reader).unwrap(), 0, "and nothing after it");
}

/// A source that is whatever a test says.
struct Asked<F>(F);

impl<F> Stream for Asked<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, std::io::Error>>> + Unpin,
{
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        (self.0)(cx)
    }
}

/// A body whose source is asked on a thread of its own, so that one that hangs fails its test.
fn within_five_seconds<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(act()));
    result
        .recv_timeout(std::time::Duration::from_secs(5))
        .expect("hangs, or panicked")
}

#[test]
fn a_source_may_look_at_its_own_body_begin_it_again_and_drop_it() {
    let seen = within_five_seconds(|| {
        let own = Arc::new(Mutex::new(None::<StreamBody>));
        let held = Arc::clone(&own);
        let source = Asked(move |_: &mut Context<'_>| {
            let own = held.lock().unwrap().take();
            Poll::Ready(own.map(|own| {
                let seen = format!("{:?} {} {:?}", own.state(), own.taken(), own.length());
                Ok(seen.into())
            }))
        });
        let body = StreamBody::once(source, None);
        *own.lock().unwrap() = Some(body.clone());
        let mut reader = body.reader().unwrap();
        drop(body);
        let seen = next(&mut reader);
        let Poll::Ready(Some(Ok(seen))) = seen else {
            panic!("its first chunk")
        };
        assert!(matches!(next(&mut reader), Poll::Ready(None)));
        seen
    });
    assert_eq!(seen, "Ready 0 None");

    let order = within_five_seconds(|| {
        let own = Arc::new(Mutex::new(None::<StreamBody>));
        let held = Arc::clone(&own);
        let later = Arc::new(Mutex::new(None));
        let keeps = Arc::clone(&later);
        let mut chunks = 0;
        let source = Asked(move |_: &mut Context<'_>| {
            if let Some(own) = held.lock().unwrap().take() {
                let mut later = own.reader().unwrap();
                assert!(next(&mut later).is_pending(), "its source is being asked");
                *keeps.lock().unwrap() = Some(later);
            }
            chunks += 1;
            Poll::Ready((chunks <= 2).then(|| Ok(vec![b'0' + chunks].into())))
        });
        let body = StreamBody::once(source, Some(2));
        *own.lock().unwrap() = Some(body.clone());
        let mut first = body.reader().unwrap();
        assert!(matches!(next(&mut first), Poll::Ready(Some(Err(_)))));
        assert_eq!((body.state(), body.taken()), (BodyState::Ready, 0));
        let mut later = later.lock().unwrap().take().unwrap();
        (read(&mut later).unwrap(), body.state(), body.taken())
    });
    assert_eq!(order, (2, BodyState::Spent, 2), "and nothing was lost");
}

#[test]
fn a_source_that_panics_has_failed_and_its_body_can_still_be_looked_at() {
    let asked = Asked(|_: &mut Context<'_>| panic!("the source's own fault"));
    let body = StreamBody::once(asked, Some(7));
    let mut reader = body.reader().unwrap();
    let told = read(&mut reader).unwrap_err();
    let message = "body could not be read: its source panicked";
    assert_eq!(told.message(), Some(message));
    assert_eq!(reader.fault().take().unwrap().message(), Some(message));
    assert_eq!((body.state(), body.taken()), (BodyState::Spent, 0));
    assert!(body.reader().is_err());

    let opened = std::sync::atomic::AtomicU32::new(0);
    let body = StreamBody::repeatable(
        move || {
            let times = opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert_ne!(times, 1, "the second time it cannot be opened");
            Asked(move |_: &mut Context<'_>| {
                assert_ne!(times, 0, "nor be read when it was opened first");
                Poll::Ready(None)
            })
        },
        None,
    );
    assert!(read(&mut body.reader().unwrap()).is_err());
    assert_eq!(
        body.reader().unwrap_err().message(),
        Some("body could not be opened: its source panicked")
    );
    assert_eq!(read(&mut body.reader().unwrap()).unwrap(), 0);
}

#[test]
fn a_source_that_panics_as_it_is_dropped_has_said_what_it_said() {
    struct Drops(Pieces);

    impl Stream for Drops {
        type Item = Result<Bytes, std::io::Error>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Pin::new(&mut self.0).poll_next(cx)
        }
    }

    impl Drop for Drops {
        fn drop(&mut self) {
            panic!("as it is dropped");
        }
    }

    let open = || Drops(Pieces([piece(), piece()].into()));
    let body = StreamBody::repeatable(open, None);
    let mut first = body.reader().unwrap();
    assert!(next(&mut first).is_ready());
    let mut second = body.reader().unwrap();
    assert_eq!(read(&mut second).unwrap(), 10);
    assert!(second.fault().take().is_none());
}

#[test]
fn what_is_wrong_with_the_source_of_one_attempt_is_not_said_of_another() {
    let opened = std::sync::atomic::AtomicU32::new(0);
    let open = move || {
        let times = opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let broken = Poll::Ready(Err(std::io::Error::other("disk on fire")));
        Pieces([piece(), if times == 1 { broken } else { piece() }].into())
    };
    let body = StreamBody::repeatable(open, None);
    let mut first = body.reader().unwrap();
    assert!(next(&mut first).is_ready());
    let mut second = body.reader().unwrap();
    assert!(read(&mut second).is_err());
    assert!(first.fault().take().is_none(), "it was another's");
    let fault = second.fault().take().unwrap();
    let cause = std::error::Error::source(&fault).unwrap();
    assert_eq!(cause.to_string(), "disk on fire");

    assert!(read(&mut first).is_err());
    let fault = first.fault().take().unwrap();
    assert_eq!(fault.message(), Some("body is read by a later attempt"));
}

#[test]
fn attempts_that_begin_on_several_threads_leave_one_that_reads_the_whole() {
    let open = || Pieces([piece(), piece(), piece()].into());
    let body = StreamBody::repeatable(open, Some(15));
    let wholes = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| read(&mut body.reader().unwrap()).is_ok()))
            .collect();
        let wholes = readers.into_iter().map(|reader| reader.join().unwrap());
        wholes.filter(|whole| *whole).count()
    });
    assert!(wholes >= 1, "the newest is never turned away");
}

#[test]
fn what_is_left_of_a_source_goes_with_the_last_reader_that_could_read_it() {
    struct Held(
        Pieces,
        #[expect(dead_code, reason = "it is counted")] Arc<()>,
    );
    impl Stream for Held {
        type Item = Result<Bytes, std::io::Error>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Pin::new(&mut self.0).poll_next(cx)
        }
    }
    let count = Arc::new(());
    let held = |count: &Arc<()>| Held(Pieces([piece(), piece()].into()), Arc::clone(count));
    let once = StreamBody::once(held(&count), None);
    drop(once.reader().unwrap());
    assert_eq!(Arc::strong_count(&count), 2, "it can be sent");
    let mut reader = once.reader().unwrap();
    assert!(next(&mut reader).is_ready());
    drop(reader);
    assert_eq!(Arc::strong_count(&count), 1);

    let inside = Arc::clone(&count);
    let repeatable = StreamBody::repeatable(move || held(&inside), None);
    let first = repeatable.reader().unwrap();
    let mut second = repeatable.reader().unwrap();
    drop(first);
    assert!(
        next(&mut second).is_ready(),
        "an earlier one takes nothing along"
    );
    drop(second);
    assert_eq!(Arc::strong_count(&count), 2, "the closure's own");
    assert_eq!(read(&mut repeatable.reader().unwrap()).unwrap(), 10);
}
