//! Values with a secret's name, in the ways that people and programs write them.

use super::*;
use crate::testing::Draw;

/// How a name and its value are written.
const WAYS: [&str; 31] = [
    "NAME=VALUE",
    "NAME = VALUE",
    "NAME: VALUE",
    "NAME=\"VALUE\"",
    "NAME: 'VALUE'",
    "\"NAME\": \"VALUE\"",
    "{\"NAME\":\"VALUE\",\"x\":1}",
    "{\\\"NAME\\\":\\\"VALUE\\\"}",
    "'NAME' => 'VALUE',",
    "export NAME=VALUE\nexport OTHER=1",
    "env['NAME'] = 'VALUE'",
    "const NAME: string = 'VALUE';",
    "NAME: str = \"VALUE\"",
    "let NAME: &str = \"VALUE\";",
    "NAME := \"VALUE\"",
    "<NAME>VALUE</NAME>",
    "https://host/path?NAME=VALUE&x=1",
    "Server=db;User Id=sa;NAME=VALUE;Encrypt=True",
    "- name: NAME\n  value: VALUE\n",
    "- name: NAME\n  value: \"VALUE\"\n",
    "{\"name\": \"NAME\", \"value\": \"VALUE\"}",
    "| NAME | VALUE |",
    "tool --NAME VALUE --verbose",
    "tool --NAME=VALUE",
    "The NAME is VALUE.",
    "NAME: `VALUE`",
    "**NAME**: VALUE",
    "NAME is \"VALUE\"",
    "set NAME=VALUE",
    "X-NAME: VALUE",
    "\tNAME:\tVALUE",
];

// control: DAT-03: What is called a password or a key, and looks drawn, is found however it is written.
#[test]
fn a_drawn_value_with_a_secrets_name_is_found() {
    let mut draw = Draw::new(11);
    for way in WAYS {
        for name in
            ["password", "DB_PASSWORD", "client_secret", "apiKey", "AUTH_TOKEN", "accessToken", "secret-key"]
        {
            let value = format!("k7{}Q", draw.token(24));
            let text = way.replace("NAME", name).replace("VALUE", &value);
            let found = find(&text);
            let hit = found.iter().find(|found| found.class == Class::Secret);
            assert_eq!(hit.map(|hit| &text[hit.span.clone()]), Some(value.as_str()), "{text}");
        }
    }
}

// control-off: DAT-03: The same value under a name that promises nothing stays, as it would if nobody looked at names.
#[test]
fn the_same_value_under_another_name_stays() {
    let mut draw = Draw::new(12);
    for name in
        ["build", "revision", "next_page_token", "public_key", "cacheKey", "max_tokens", "etag", "cursor"]
    {
        let text = format!("{name}={}", draw.token(26));
        assert_eq!(secrets(&text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn passwords_that_people_choose_are_found_and_words_are_not() {
    for value in ["Winter2024!", "tr0ub4dor&3", "P@ssw0rd123!", "kX9#mQ2$vL", "hunter2hunter2!"] {
        assert_eq!(secrets(&format!("password: \"{value}\"")), ["password"], "{value}");
    }
    for value in [
        "string",
        "required",
        "changeme",
        "${DB_PASSWORD}",
        "$PASSWORD",
        "<password>",
        "{{ password }}",
        "password123",
        "********",
        "secret",
        "P@ssw0rd",
        "/run/secrets/db",
        "none",
        "my-password",
        "%DB_PASSWORD%",
        "vault:kv/data/db#password",
        "TestPassword123!",
    ] {
        assert_eq!(secrets(&format!("password: \"{value}\"")), Vec::<&str>::new(), "{value}");
        assert_eq!(secrets(&format!("password = {value}")), Vec::<&str>::new(), "{value}");
    }
    for code in [
        "get_password()",
        "os.environ[\"X\"]",
        "Option<String>",
        "process.env.DB_PASS",
        "hash(password, 12)",
        "0x8004_170B",
    ] {
        assert_eq!(secrets(&format!("password = {code}")), Vec::<&str>::new(), "{code}");
    }
}

#[test]
fn providers_give_their_name() {
    let mut draw = Draw::new(13);
    let (long, hex, uuid) = (
        format!("a/9Z{}", draw.of(Charset::BASE64, 36)),
        draw.hex(32),
        "3b8f1c52-9d4e-4f6a-b7c1-0e2d8a95f374",
    );
    for (text, kind) in [
        (format!("aws_secret_access_key = {long}"), "aws-secret-key"),
        (
            format!("AccountName=a;AccountKey={}==;EndpointSuffix=x", draw.of(Charset::BASE64, 86)),
            "azure-key",
        ),
        (
            format!(
                "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={}=",
                draw.of(Charset::BASE64, 43)
            ),
            "azure-key",
        ),
        (format!("DD_API_KEY={hex}"), "datadog-key"),
        (format!("datadog app key: {hex}"), "datadog-key"),
        (format!("TWILIO_AUTH_TOKEN={hex}"), "twilio-token"),
        (format!("HEROKU_API_KEY={uuid}"), "heroku-key"),
        (format!("CLOUDFLARE_API_TOKEN={}", draw.token(40)), "cloudflare-token"),
    ] {
        assert_eq!(secrets(&text), [kind], "{text}");
    }
    assert_eq!(secrets(&format!("session_token: {uuid}")), Vec::<&str>::new());
    assert_eq!(secrets(&format!("X-Api-Key: {uuid}")), ["named-secret"]);
}

#[test]
fn credentials_in_addresses_and_headers_are_found() {
    let mut draw = Draw::new(14);
    let value = format!("k7{}", draw.token(14));
    use base64::Engine as _;
    let both = base64::engine::general_purpose::STANDARD.encode(format!("svc:{value}"));
    for (text, kind, secret) in [
        (format!("postgres://app:{value}@db:5432/x"), "password-in-address", &value),
        (format!("mongodb+srv://app:{value}@c0.mongodb.net/"), "password-in-address", &value),
        (format!("redis://:{value}@cache:6379/0"), "password-in-address", &value),
        (format!("amqps://u:{value}@mq/vhost"), "password-in-address", &value),
        (format!("https://deploy:{value}@git.host/r.git"), "password-in-address", &value),
        (format!("jdbc:mysql://u:{value}@db/x"), "password-in-address", &value),
        (format!("app:{value}@tcp(db:3306)/x"), "password-in-address", &value),
        (format!("Authorization: Bearer {value}"), "bearer-token", &value),
        (format!("authorization: bearer {value}"), "bearer-token", &value),
        (format!("Authorization: token {value}"), "bearer-token", &value),
        (format!("{{\"Authorization\": \"Bearer {value}\"}}"), "bearer-token", &value),
        (format!("Authorization: Basic {both}"), "basic-credentials", &both),
        (format!("{{\"auths\":{{\"r.io\":{{\"auth\":\"{both}\"}}}}}}"), "basic-credentials", &both),
        (format!("curl -u admin:{value} https://x"), "password", &value),
        (format!("curl -s --user  'me:{value}' https://x"), "password", &value),
        (format!("curl --user me:'{value}' https://x"), "password", &value),
        (format!("curl -u \":{value}\" https://x"), "password", &value),
        (format!("curl -u \"{value}Q:\" https://x"), "password", &value),
        (format!("mysql -u root -p{value} db"), "password", &value),
        (format!("sshpass -p '{value}' ssh h"), "password", &value),
        (format!("CREATE USER x IDENTIFIED BY '{value}'"), "password", &value),
        (format!("machine h login me password {value}"), "password", &value),
    ] {
        assert!(is_found(&text, kind, secret), "{text} {:?}", find(&text));
    }
    let signature = format!("a+9Z{}%3D", draw.of(Charset::BASE64, 39));
    let signed =
        format!("https://a.blob.core.windows.net/c?sv=2024-01-01&se=2030-01-01&sr=c&sig={signature}");
    assert!(is_found(&signed, "azure-shared-access-signature", &signature));
    for harmless in [
        "postgres://user:password@localhost/db",
        "redis://:${REDIS_PASSWORD}@cache",
        "https://user@host/path",
        "postgres://postgres:postgres@db",
        "http://localhost:8080/@scope/package",
        "https://<user>:<token>@host",
        "Authorization: Bearer <token>",
        "Authorization: Bearer your-token-here-please",
        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "bearer token authentication is required",
        "curl -u user:password https://x",
        "curl -u \"${user}:${password}\" https://x",
        "mkdir -p target/debug0",
        "docker run -p 8080:80 image",
        "mysql -u root -p",
        "amqp://guest:guest@localhost",
    ] {
        assert_eq!(secrets(harmless), Vec::<&str>::new(), "{harmless}");
    }
}

#[test]
fn the_name_of_a_member_counts_like_one_in_the_text() {
    let mut draw = Draw::new(15);
    let value = format!("k7{}", draw.token(20));
    assert_eq!(find_member("clientSecret", &value)[0].kind, "named-secret");
    assert_eq!(find_member("password", "Winter2024!")[0].kind, "password");
    assert_eq!(find_member("Authorization", &format!("Bearer {value}"))[0].kind, "bearer-token");
    assert!(find_member("nextPageToken", &value).is_empty());
    assert!(find_member("password", "must have eight characters").is_empty());
    assert!(find(&value).is_empty());
}
