//! The client against the simulator in this process: hours of outage, and no socket.

use std::time::Duration;

use evenkeel::{Client, Error, ErrorKind, Patience, Reply, Stopped};
use evenkeel_simulator::{Capacity, Ending, Entry, Expected, InProcess, Scenario, Simulator};
use evenkeel_tests::{client, now, request};

const SECOND: Duration = Duration::from_secs(1);

fn simulator(scenario: Scenario) -> InProcess {
    let builder = Simulator::builder().scenario(scenario).seed(7);
    builder.in_process().unwrap()
}

fn client_of(simulator: &InProcess, patience: Patience) -> Client {
    client(simulator, |builder| builder.patience(patience)).0
}

async fn ask(simulator: &InProcess, patience: Patience) -> Result<Reply, Error> {
    client_of(simulator, patience)
        .messages()
        .create(request())
        .await
}

#[tokio::test(start_paused = true)]
async fn every_scenario_of_the_catalogue_ends_as_it_says_without_a_socket_and_at_full_length() {
    for info in Scenario::catalogue() {
        let simulator = simulator(info.scenario());
        let result = ask(&simulator, Patience::Background).await;
        let ended = match &result {
            Ok(_) => Expected::Complete,
            Err(error) if error.kind() == ErrorKind::Interrupted => Expected::Truncated,
            Err(_) => Expected::Failed,
        };
        assert_eq!(ended, info.expected, "{}: {result:?}", info.name);
        let told = match &result {
            Ok(reply) => reply.meta.attempts.len(),
            Err(error) => error.attempts().len(),
        };
        if info.name != "refused" {
            assert_eq!(
                told,
                simulator.journal().len(),
                "{}: one record a request",
                info.name
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_the_catalogue_does_makes_a_call_break_a_rule_of_the_verdict() {
    for info in Scenario::catalogue() {
        for patience in [Patience::Interactive, Patience::Background] {
            let simulator = simulator(info.scenario());
            let _ = ask(&simulator, patience).await;
            let verdict = simulator.verdict();
            assert!(verdict.is_clean(), "{}: {verdict}", info.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seeds_give_the_same_journal_with_its_times() {
    async fn played(name: &str) -> (String, String) {
        let simulator = simulator(Scenario::named(name).unwrap());
        let result = ask(&simulator, Patience::Background).await;
        let said = match result {
            Ok(reply) => reply.text(),
            Err(error) => error.to_string(),
        };
        (said, simulator.journal_json())
    }
    for info in Scenario::catalogue() {
        assert_eq!(
            played(info.name).await,
            played(info.name).await,
            "{}",
            info.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_an_hour_is_waited_out_in_no_time() {
    let began = now();
    let hour = SECOND * 3_600;
    let scenario = Scenario::script(Vec::new()).refused_during(Duration::ZERO..hour);
    let simulator = simulator(scenario);
    let reply = ask(&simulator, Patience::Background).await;
    let error = reply.unwrap_err();
    assert_eq!(
        (error.kind(), simulator.journal().len()),
        (ErrorKind::Connection, 0)
    );
    assert!(
        now() - began < SECOND * 60,
        "an address that never answered is a typo"
    );

    let answered = client_of(&simulator, Patience::Unattended);
    evenkeel_tests::pause(hour).await;
    assert!(answered.messages().create(request()).await.is_ok());
    assert_eq!(simulator.journal().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn callers_that_compete_for_a_slot_all_get_their_answer_without_a_storm() {
    let capacity = Capacity::slots(2).first_token(SECOND);
    let simulator = simulator(Scenario::script(Vec::new()).capacity(capacity));
    let client = client_of(&simulator, Patience::Background);
    let calls: Vec<_> = (0..8)
        .map(|_| tokio::spawn(client.messages().create(request())))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let journal = simulator.journal();
    let answered = journal
        .iter()
        .filter(|entry| entry.status == Some(200))
        .count();
    assert_eq!(answered, 8);
    assert!(
        journal.len() < 40,
        "{} requests for eight answers",
        journal.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_is_gone_from_the_server_at_that_moment() {
    let simulator = simulator(Scenario::named("slow-head").unwrap());
    let client = client_of(&simulator, Patience::Background);
    let call = client.messages().deadline(SECOND).create(request());
    assert_eq!(call.await.unwrap_err().stopped(), Stopped::Deadline);
    let Entry {
        ending, ended_at, ..
    } = simulator.journal().remove(0);
    assert_eq!((ending, ended_at), (Ending::Abandoned, Some(SECOND)));
}
