//! A server that says how long: never earlier, and not at all where that is too late.

use std::time::{Duration, SystemTime};

use evenkeel::{ErrorKind, Stopped};
use evenkeel_tests::{Reply, Script, client, request};

use crate::{MINUTE, SECOND};

/// The ways to say `seconds`. The suite's local clock stands at the epoch; the server's is an hour on.
fn said(seconds: u64) -> [Reply; 3] {
    let limited = || Reply::error(429, "rate_limit_error", "slow down");
    let date = |seconds: u64| {
        let days = seconds / 86_400;
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        format!(
            "{:02} Jan 1970 {hour:02}:{minute:02}:{second:02} GMT",
            days + 1
        )
    };
    [
        limited().header("retry-after", seconds.to_string()),
        limited().header("retry-after-ms", (seconds * 1_000).to_string()),
        limited()
            .header("date", date(3_600))
            .header("retry-after", date(3_600 + seconds)),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_fits_is_waited_out_whole_however_it_is_said() {
    for seconds in [20, 171] {
        for (form, reply) in said(seconds).into_iter().enumerate() {
            for seed in 0..20 {
                let script = Script::new([reply.clone(), Reply::message("hello")]);
                let (client, _) = client(&script, |builder| builder.seed(seed));
                let calls = client.messages().deadline(5 * MINUTE);
                let reply = calls.create(request()).await.unwrap();
                let waited = reply.meta.attempts[1].waited;
                let told = Duration::from_secs(seconds);
                assert!(waited >= told, "form {form}, seed {seed}: {waited:?}");
                // A quarter on top at most, and 15 s.
                let spread = (told / 4).min(15 * SECOND);
                assert!(
                    waited <= told + spread,
                    "form {form}, seed {seed}: {waited:?}"
                );
                assert_eq!(script.sent().len(), 2);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_does_not_fit_is_not_begun_and_the_moment_is_told() {
    for reply in said(302_539) {
        let script = Script::new([reply]);
        let (client, _) = client(&script, |builder| builder);
        let calls = client.messages().deadline(5 * MINUTE);
        let error = calls.create(request()).await.unwrap_err();
        assert!(error.elapsed() <= SECOND / 10, "{:?}", error.elapsed());
        assert_eq!(
            (error.kind(), error.stopped()),
            (ErrorKind::RateLimited, Stopped::Deadline)
        );
        let moment = error.retry_at().unwrap();
        let from_local = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            from_local,
            Duration::from_secs(302_539),
            "on the local clock"
        );
        assert_eq!(script.sent().len(), 1);
    }
}
