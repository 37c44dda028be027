//! Keys and tokens, wherever they come from, are printed nowhere.

use evenkeel_simulator::Reply;

use super::api::Api;
use super::process::evenkeel;

const KEY: &str = "sk-ant-api03-Planted0Planted1Planted2Planted3Planted4";

#[test]
fn the_key_is_sent_and_not_printed_whatever_the_server_says() {
    let echo = Reply::error(
        401,
        "authentication_error",
        format!("invalid x-api-key: {KEY}"),
    );
    let page = Reply::raw(403)
        .header("content-type", "text/html")
        .body(format!(
            "<html><title>key {KEY}</title>x-api-key: {KEY}</html>"
        ));
    for reply in [echo, page] {
        for way in ["--json", "--verbose", "--stream"] {
            let api = Api::script(vec![reply.clone()]);
            let run = evenkeel(["ask", "hi", way, "--base-url", api.base_url()])
                .variable("ANTHROPIC_API_KEY", KEY)
                .finish();
            assert_eq!(run.code, Some(77), "{run:?}");
            assert!(!run.out.contains("Planted"), "{run:?}");
            assert!(!run.err.contains("Planted"), "{run:?}");
            assert_eq!(api.request().header("x-api-key"), Some("[redacted]"));
        }
    }
}

#[test]
fn a_failure_does_not_repeat_prompt_header_or_address() {
    let api = Api::script(vec![Reply::error(400, "invalid_request_error", "No.")]);
    for way in ["--json", "--verbose"] {
        let run = evenkeel(["ask", "planted prompt", way, "--header", "x-trace: planted"])
            .arg("--base-url")
            .arg(api.base_url())
            .finish();
        assert_eq!(run.code, Some(65), "{run:?}");
        let told = format!("{}{}", run.out, run.err);
        assert!(
            !told.contains("planted") && !told.contains(api.base_url()),
            "{told}"
        );
    }
}

#[test]
fn what_the_server_says_cannot_steer_the_terminal() {
    let reply = Reply::error(400, "invalid_request_error", "a\u{1b}[2Jb\nc\u{7}");
    let api = Api::script(vec![reply]);
    for way in ["--stream", "--verbose"] {
        let run = evenkeel(["ask", "hi", way, "--base-url", api.base_url()]).finish();
        assert_eq!(run.code, Some(65), "{run:?}");
        assert!(!run.err.contains(['\u{1b}', '\u{7}']), "{run:?}");
    }
}

#[test]
fn a_proxy_for_http_sees_neither_key_nor_prompt_of_a_call_to_this_machine() {
    let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", trap.local_addr().unwrap());
    let mut command = evenkeel(["ask", "planted prompt", "--simulate", "healthy"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command = command.variable(name, &proxy);
    }
    let finished = command.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(trap.accept().is_err(), "something reached the proxy");
}
