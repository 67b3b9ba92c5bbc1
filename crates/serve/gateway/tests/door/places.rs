//! Where a request says it goes and comes from: `Host`, `Origin`, paths, verbs, forwarded addresses (T-02, T-03, S36).

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HOST, ORIGIN};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use crate::client::{Client, initialize, raw};
use crate::support::{House, Plan, strangers};

// control: REM-13, T-02, T-03: a foreign host or origin is refused before the token is looked at, on every verb and page
#[tokio::test]
async fn a_foreign_host_or_origin_gets_no_further() {
    let house = House::new().await.acquainted().await;
    let (alice, own) = (house.client("alice"), house.door.address.to_string());
    let port = house.door.address.port();
    let hosts = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1".to_owned(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("{own}.evil.example"),
        format!("localhost.evil.example:{port}"),
        format!("{own}@evil.example"),
        format!("127.1:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
    ];
    let origins = [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        format!("https://{own}"),
        format!("http://{own}.evil.example"),
        format!("http://{own}/"),
        "file://".to_owned(),
        String::new(),
        format!("http://{own}, http://evil.example"),
        "http://localhost".to_owned(),
    ];
    let pages = [
        (Method::POST, "/echo/mcp"),
        (Method::GET, "/echo/mcp"),
        (Method::DELETE, "/echo/mcp"),
        (Method::OPTIONS, "/echo/mcp"),
        (Method::GET, "/healthz"),
        (Method::GET, "/readyz"),
        (Method::GET, "/.well-known/oauth-protected-resource"),
    ];
    for (verb, page) in pages {
        let client = alice.at(page);
        for host in &hosts {
            let mut request = client.request(verb.clone(), initialize(json!({})).to_string());
            request.headers_mut().insert(HOST, host.parse().unwrap());
            assert_eq!(client.send(request).await.status, StatusCode::FORBIDDEN, "{verb} {page} {host}");
        }
        for origin in &origins {
            let mut request = client.request(verb.clone(), initialize(json!({})).to_string());
            request.headers_mut().insert(ORIGIN, origin.parse().unwrap());
            let heard = client.send(request).await;
            assert_eq!(heard.status, StatusCode::FORBIDDEN, "{verb} {page} {origin}");
            assert!(!heard.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        }
        let mut twice = client.request(verb.clone(), "");
        twice.headers_mut().append(HOST, HeaderValue::from_static("evil.example"));
        assert_ne!(client.send(twice).await.status, StatusCode::OK, "{verb} {page}");
    }
    for line in [
        "GET http://evil.example/echo/mcp HTTP/1.1\r\nhost: {own}",
        "GET /echo/mcp HTTP/1.1",
        "GET /echo/mcp HTTP/1.0",
        "GET http://{own}/echo/mcp HTTP/1.1\r\nhost: evil.example",
    ] {
        let request = format!("{}\r\nconnection: close\r\n\r\n", line.replace("{own}", &own));
        let (status, ..) = raw(house.door.address, request.as_bytes()).await;
        assert!(status == 403 || status == 400, "{line}: {status}");
    }
    assert_eq!(house.echo.transcript(), []);
    assert!(strangers(&house.close().await).is_empty(), "nobody's token was looked at");
}

// control-off: T-02, T-03: the server answers to whatever host and origin a rebound name brings
#[tokio::test]
async fn without_the_door_a_rebound_name_reaches_the_server() {
    let house = House::new().await;
    let direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    let mut request = direct.request(Method::POST, initialize(json!({})).to_string());
    request.headers_mut().insert(HOST, HeaderValue::from_static("evil.example"));
    request.headers_mut().insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
    assert_eq!(direct.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_doors_own_names_and_origins_are_served() {
    let house = House::new().await.acquainted().await;
    let (alice, port) = (house.client("alice"), house.door.address.port());
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LocalHost:{port}"),
        format!("[::1]:{port}"),
    ] {
        let mut request = alice.request(Method::POST, initialize(json!({})).to_string());
        request.headers_mut().insert(HOST, host.parse().unwrap());
        let origin: HeaderValue = format!("http://{}", host.to_ascii_lowercase()).parse().unwrap();
        request.headers_mut().insert(ORIGIN, origin.clone());
        let heard = alice.send(request).await;
        assert_eq!((heard.status, &heard.headers[ACCESS_CONTROL_ALLOW_ORIGIN]), (StatusCode::OK, &origin));
    }
    let mut preflight = alice.with_token(None).request(Method::OPTIONS, "");
    preflight.headers_mut().insert(ORIGIN, format!("http://localhost:{port}").parse().unwrap());
    let heard = alice.send(preflight).await;
    assert_eq!(heard.status, StatusCode::NO_CONTENT);
    assert!(heard.headers["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
}

// control: T-01, A-01, D-12: only the paths of servers are served; metadata names each by its own path
#[tokio::test]
async fn paths_are_exact() {
    let house = House::new().await.acquainted().await;
    let alice = house.client("alice");
    for path in [
        "/",
        "/mcp",
        "/echo",
        "/echo/",
        "/echo/mcp/",
        "/echo//mcp",
        "/ECHO/mcp",
        "/echo%2fmcp",
        "/./echo/mcp",
        "/x/../echo/mcp",
        "/echo/mcp;x",
        "/e%63ho/mcp",
        "/echo\\mcp",
        "/nope/mcp",
        "/echo/mcp/.well-known",
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            alice.address,
            alice.token.as_deref().unwrap()
        );
        let (status, ..) = raw(alice.address, head.as_bytes()).await;
        assert!(status == 404 || status == 400, "{path}: {status}");
    }
    for verb in ["PUT", "PATCH", "HEAD", "TRACE", "CONNECT", "post", "BREW"] {
        let head = format!(
            "{verb} /echo/mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            alice.address,
            alice.token.as_deref().unwrap()
        );
        let (status, ..) = raw(alice.address, head.as_bytes()).await;
        assert!([400, 403, 404, 405].contains(&status), "{verb}: {status}");
    }
    let metadata = alice.with_token(None).at("/.well-known/oauth-protected-resource/echo/mcp");
    let found = metadata.send(metadata.request(Method::GET, "")).await.json();
    assert_eq!(found["resource"], format!("http://{}/echo/mcp", house.door.address));
    assert_eq!(house.echo.transcript(), []);
}

// control: D-11, REM-11: a place that sends too many bad tokens waits, a known caller there does not, and nobody chooses their place by a header unless a trusted proxy says so
#[tokio::test]
async fn too_many_bad_tokens_make_a_place_wait() {
    let house = House::new().await.acquainted().await;
    let alice = house.client("alice");
    assert_eq!(alice.post(&initialize(json!({}))).await.status, StatusCode::OK);
    let thief = alice.with_token(Some("no.such.token".to_owned()));
    let knock = async |client: &Client, from: String| {
        let mut request = client.request(Method::POST, initialize(json!({})).to_string());
        request.headers_mut().insert("x-forwarded-for", from.parse().unwrap());
        client.send(request).await
    };
    let mut told = Vec::new();
    for at in 0..220_u32 {
        // Another address each time, which the door has no reason to believe.
        told.push(knock(&thief, format!("203.0.{}.7", at % 256)).await.status);
    }
    assert_eq!((told[0], told[219]), (StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS));
    let known = alice.post(&initialize(json!({}))).await;
    assert_eq!(known.status, StatusCode::OK, "a token that is known already");
    let unknown = house.client("bob").post(&initialize(json!({}))).await;
    assert_eq!(unknown.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(unknown.headers.contains_key("retry-after"));

    let proxied = House::with(Plan { gateway: "trusted_proxies = [\"127.0.0.0/8\"]", ..Plan::default() })
        .await
        .acquainted()
        .await;
    let thief = proxied.client("alice").with_token(Some("no.such.token".to_owned()));
    for at in 0..205_u32 {
        // What the caller wrote itself stands first; the proxy's own word is the last.
        knock(&thief, format!("198.51.{at}.1, 203.0.113.9")).await;
    }
    assert_eq!(knock(&thief, "203.0.113.77".to_owned()).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(knock(&proxied.client("bob"), "192.0.2.1".to_owned()).await.status, StatusCode::OK);
}
