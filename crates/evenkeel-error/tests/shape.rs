//! What the types promise by themselves.

use evenkeel_error::{Category, Delivery, ErrorKind, Moment, Recoverable, Recovery};

#[test]
fn labels_are_stable_snake_case_and_printed_as_they_are() {
    let labels = ErrorKind::ALL
        .iter()
        .map(|kind| (kind.label(), kind.to_string()));
    let labels = labels.chain(Category::ALL.iter().map(|it| (it.label(), it.to_string())));
    for (label, printed) in
        labels.chain(Delivery::ALL.iter().map(|it| (it.label(), it.to_string())))
    {
        assert_eq!(label, printed);
        assert!(
            label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{label}"
        );
    }
}

#[test]
fn a_borrowed_failure_says_the_same_as_an_owned_one() {
    struct Once;
    impl Recoverable for Once {
        fn recovery(&self) -> Recovery {
            Recovery::BackOff
        }
        fn repeats(&self) -> Option<u32> {
            Some(1)
        }
    }
    fn read(failure: impl Recoverable) -> (Recovery, Delivery, Option<u32>) {
        (failure.recovery(), failure.delivery(), failure.repeats())
    }
    assert_eq!(read(&Once), read(Once));
}

#[test]
fn moments_saturate_at_both_ends() {
    assert_eq!(
        Moment::ORIGIN.since(Moment::MAX),
        core::time::Duration::ZERO
    );
    assert_eq!(
        Moment::MAX + core::time::Duration::from_nanos(1),
        Moment::MAX
    );
}

#[cfg(feature = "claude")]
mod claude {
    use std::error::Error as StdError;
    use std::io;
    use std::mem::size_of;

    use evenkeel_error::{Delivery, Error, ErrorKind, Facts, InvalidConfig};

    #[test]
    fn an_error_is_one_word_and_a_result_of_nothing_too() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
        assert_eq!(size_of::<Facts>(), size_of::<usize>());
    }

    #[test]
    fn an_error_goes_anywhere_an_error_may_go() {
        fn is_one<T: StdError + Send + Sync + 'static>() {}
        is_one::<Error>();
    }

    #[test]
    fn the_chain_of_causes_is_kept_whole() {
        let inner = io::Error::other("the cable");
        let outer = io::Error::new(io::ErrorKind::ConnectionReset, inner);
        let error = Error::connection(Delivery::Unknown).with_source(outer);
        let cause = error
            .source()
            .and_then(|cause| cause.downcast_ref::<io::Error>());
        assert_eq!(
            cause.map(io::Error::kind),
            Some(io::ErrorKind::ConnectionReset)
        );
        assert!(error.report().to_string().contains("the cable"));
        assert!(Error::interrupted().source().is_none());
    }

    #[test]
    fn a_broken_rule_becomes_an_error_that_names_it() {
        let error = Error::from(InvalidConfig::new("ratio", "must be at most 1"));
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(error.message(), Some("ratio must be at most 1"));
    }
}

#[cfg(feature = "serde")]
#[test]
fn the_vocabulary_is_written_as_its_labels() {
    let words = (
        ErrorKind::Overloaded,
        Category::Server,
        Delivery::NotSent,
        Recovery::BackOffLong,
    );
    let json = serde_json::to_string(&words).unwrap();
    assert_eq!(
        json,
        r#"["overloaded","server","not_sent","back_off_long"]"#
    );
}
