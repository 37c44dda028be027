//! Two minutes without capacity, said inside a 200.

use evenkeel::{ErrorKind, Patience, Stopped};
use evenkeel_tests::{Reply, Server, client, events, request};

use crate::{MINUTE, SECOND, busiest_second};

fn overloaded_for_two_minutes() -> Server {
    Server::new(|sent| {
        if sent.at < 2 * MINUTE {
            Reply::stream()
                .body(&(events::start() + &events::error("overloaded_error", "Overloaded")))
        } else {
            Reply::message("whole")
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_patient_call_brings_one_whole_message_in_few_requests() {
    for patience in [Patience::Unattended, Patience::Background] {
        let mut requests = Vec::new();
        for seed in 0..200 {
            let server = overloaded_for_two_minutes();
            let (client, recorder) = client(&server, |builder| builder.seed(seed));
            let calls = client.messages().patience(patience);
            let reply = calls.create(request()).await.unwrap();
            assert_eq!(reply.text(), "whole");
            assert_eq!(
                (recorder.count("succeeded"), recorder.count("given_up")),
                (1, 0)
            );
            requests.push(server.sent().len());
        }
        let most = requests.iter().max().unwrap();
        let sum: usize = requests.iter().sum();
        // In the mean 13 at the most.
        println!("{patience}: at most {most} requests, {sum} in 200 calls");
        assert!(*most <= 16, "{patience}: {most}");
        assert!(sum <= 13 * 200, "{patience}: {sum}");
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_patient_callers_with_a_client_each_make_no_wave() {
    // The longer waits of `Unattended` make its few retries, and so the first of them weigh more: the
    // first three waits are drawn below 2, 4 and 8 s for everybody.
    for (patience, share) in [(Patience::Background, 10), (Patience::Unattended, 9)] {
        let server = overloaded_for_two_minutes();
        let calls: Vec<_> = (0..50)
            .map(|seed| {
                let (client, _) = client(&server, |builder| builder.seed(1_000 + seed));
                tokio::spawn(client.messages().patience(patience).create(request()))
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap().text(), "whole");
        }
        let retries = server.times().split_off(50);
        let busiest = busiest_second(retries.clone());
        println!(
            "{patience}: {busiest} of {} retries in one second",
            retries.len()
        );
        assert!(
            busiest * share <= retries.len(),
            "{patience}: {busiest} of {}",
            retries.len()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_interactive_call_says_within_its_patience_what_it_met_and_why_it_stopped() {
    for seed in 0..50 {
        let server = overloaded_for_two_minutes();
        let (client, _) = client(&server, |builder| builder.seed(seed));
        let calls = client.messages().patience(Patience::Interactive);
        let error = calls.create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert!(error.elapsed() <= 30 * SECOND, "{:?}", error.elapsed());
        assert_eq!(error.attempts().len(), server.sent().len());
        assert!(matches!(
            error.stopped(),
            Stopped::Attempts | Stopped::Patience
        ));
        let (line, report) = (error.to_string(), error.report().to_string());
        let attempts = format!("after {} attempts, waited ", error.attempts().len());
        assert!(line.contains(&attempts), "{line}");
        assert!(report.contains("gave up: "), "{report}");
    }
}
