use super::*;

fn scrubbed(text: &str) -> String {
    scrub(text, 4_096).into()
}

#[test]
fn keys_go_wherever_they_stand() {
    assert_eq!(
        scrubbed("key sk-ant-api03-AbC_d-9 is bad"),
        "key [key] is bad"
    );
    assert_eq!(scrubbed("xsk-ant-oat01-zz"), "x[key]");
    assert_eq!(scrubbed("eyJsk-ant-oat01-zz"), "eyJ[key]");
    assert_eq!(
        scrubbed(r#"{"m":"a\nsk-ant-api03-AbC"}"#),
        r#"{"m":"a\n[key]"}"#
    );
    assert_eq!(scrubbed(r"\sk-ant-api03-AbC"), r"\[key]");
    assert_eq!(scrubbed(r"\u003csk-ant-api03-AbC"), r"\u003c[key]");
    assert_eq!(scrubbed("SK-ANT-API03-ABC"), "[key]");
    assert_eq!(scrubbed("sk-proj-0123456789abcdef0123"), "[key]");
    assert_eq!(
        scrubbed("task-manager-with-a-long-name sk-ip"),
        "task-manager-with-a-long-name sk-ip"
    );
}

#[test]
fn tokens_go_by_the_word_before_them_and_by_their_look() {
    assert_eq!(
        scrubbed("Authorization: Bearer abc.def"),
        "Authorization: Bearer [secret]"
    );
    assert_eq!(
        scrubbed("authorization: Basic dXNlcg=="),
        "authorization: Basic [secret]"
    );
    assert_eq!(
        scrubbed("sent bearer  t0k/en+x= here"),
        "sent bearer  [token] here"
    );
    assert_eq!(scrubbed("\"\\nBearer abc\""), "\"\\nBearer [token]\"");
    assert_eq!(
        scrubbed("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln y"),
        "x [token] y"
    );
    assert_eq!(scrubbed("x-api-key: hunter2"), "x-api-key: [secret]");
    assert_eq!(
        scrubbed(r#"{"x-api-key":"hunter2","a":1}"#),
        r#"{"x-api-key":"[secret]","a":1}"#
    );
    assert_eq!(
        scrubbed(r#"\"apiKey\": \"hunter2\","#),
        r#"\"apiKey\": \"[secret]\","#
    );
    assert_eq!(
        scrubbed("ANTHROPIC_API_KEY=hunter2&a"),
        "ANTHROPIC_API_KEY=[secret]&a"
    );
    assert_eq!(
        scrubbed(r#"{"access_token":"abc"}"#),
        r#"{"access_token":"[secret]"}"#
    );
}

#[test]
fn plain_words_about_credentials_stay() {
    for text in [
        "invalid x-api-key",
        "x-api-key header is required",
        "Unexpected token: <",
        "12 output_tokens: 100",
        "The bearer: nobody",
        "prompt is too long: 200001 tokens > 200000 maximum",
    ] {
        assert_eq!(scrubbed(text), text);
    }
}

#[test]
fn addresses_of_both_families_go_and_what_looks_like_them_stays() {
    assert_eq!(scrubbed("from 203.0.113.7."), "from [ip].");
    assert_eq!(
        scrubbed("203.0.113.7:443,203.0.113.8..."),
        "[ip]:443,[ip]..."
    );
    assert_eq!(
        scrubbed("203.0.113.7:http ip:203.0.113.8"),
        "[ip]:http ip:[ip]"
    );
    assert_eq!(scrubbed("<b>203.0.113.7</b>/32"), "<b>[ip]</b>/32");
    assert_eq!(scrubbed("\\n203.0.113.7"), "\\n[ip]");
    assert_eq!(scrubbed("[2001:db8::1]:443 2001:DB8::2"), "[[ip]]:443 [ip]");
    assert_eq!(
        scrubbed("::1 ::ffff:192.0.2.1 fe80::1%eth0"),
        "[ip] [ip] [ip]%eth0"
    );
    assert_eq!(scrubbed("ip: 2001:db8:0:0:0:0:0:1:"), "ip: [ip]:");
    for text in [
        "1.2.3",
        "12:34:56",
        "std::fmt",
        "2026-11-22T10:00:00Z",
        "aa:bb:cc:dd:ee:ff",
        "300.1.1.1",
    ] {
        assert_eq!(scrubbed(text), text);
    }
}

#[test]
fn controls_go_and_lines_stay() {
    assert_eq!(
        scrubbed("a\u{1b}[31mb\u{9b}c\n\td\u{7f}"),
        "a\u{fffd}[31mb\u{fffd}c\n\td\u{fffd}"
    );
}

#[test]
fn the_limit_counts_what_is_left_and_never_cuts_into_a_secret() {
    assert_eq!(&*scrub("ab sk-ant-api03-xyz", 4), "ab [");
    assert_eq!(
        &*scrub("sk-ant-api03-xyz 203.0.113.7 tail", 11),
        "[key] [ip] "
    );
    assert_eq!(&*scrub("ééé", 3), "é");
    assert_eq!(&*scrub("é", 0), "");
    assert_eq!(cut("日本", 5), "日");
}

#[test]
fn an_address_that_the_caller_configured_stays_and_a_key_beside_it_goes() {
    let text = "cannot reach 203.0.113.7 through the proxy [2001:db8::1]:3128, sk-ant-api03-xyz";
    assert_eq!(
        &*scrub_but_addresses(text, 1024),
        "cannot reach 203.0.113.7 through the proxy [2001:db8::1]:3128, [key]"
    );
}

#[test]
fn hostile_texts_cost_linear_time() {
    for unit in [
        "sk-",
        "1:",
        "eyJ.",
        "x-api-key",
        "\\u",
        "api_key\"\\",
        "bearer ",
        "::",
        ".",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        assert!(scrub(&text, usize::MAX / 2).len() <= text.len() * 2);
    }
}

proptest::proptest! {
    /// What the ids of requests are read by: they need no scrubber.
    #[test]
    fn of_letters_digits_and_underscores_alone_no_secret_is_made(
        text in "([A-Za-z0-9_]|eyJ|bearer|token|api_key|secret|sk_ant_|127|access_){0,40}",
    ) {
        proptest::prop_assert!(is_clean(&text));
    }
}
