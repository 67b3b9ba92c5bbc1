//! What looks like a secret to those who look too quickly.

use super::*;
use crate::testing::Draw;

#[test]
fn names_of_versions_and_digests_are_none() {
    let mut draw = Draw::new(21);
    for _ in 0..40 {
        let (sha1, sha256, base) = (draw.hex(40), draw.hex(64), draw.of(Charset::BASE64, 86));
        for text in [
            format!("commit {sha1}\nAuthor: A"),
            format!("\"integrity\": \"sha512-{base}==\""),
            format!("checksum = \"{sha256}\""),
            format!("image@sha256:{sha256}"),
            format!("resolved \"https://host/p/-/p-1.0.0.tgz#{sha1}\""),
            format!("go.sum h1:{}=", draw.of(Charset::BASE64, 43)),
            format!("ETag: W/\"{}\"", draw.hex(32)),
            format!("id: {}-{}-4{}-a{}-{}", draw.hex(8), draw.hex(4), draw.hex(3), draw.hex(3), draw.hex(12)),
            format!("src=\"data:image/png;base64,iVBORw0KGgo{}\"", draw.of(Charset::BASE64, 400)),
            format!("next_page_token: {}", draw.of(Charset::URL64, 60)),
            format!("fingerprint SHA256:{}", draw.of(Charset::BASE64, 43)),
            format!("cache-key-{}", draw.hex(32)),
            format!("\"nonce\": \"{}\"", draw.token(24)),
        ] {
            assert_eq!(secrets(&text), Vec::<&str>::new(), "{text}");
        }
    }
}

#[test]
fn code_and_documentation_are_none() {
    for text in [
        "function(t,e){return t.token===e.token&&t.password===e.password}",
        "const token = await getToken(request.headers['x-token'])",
        "password: z.string().min(8).max(64)",
        "if (secret == null) throw new Error('secret required')",
        "export GITHUB_TOKEN=<your token>",
        "export OPENAI_API_KEY=sk-...",
        "token: ${{ secrets.GITHUB_TOKEN }}",
        "api_key: str = Field(default=None, description='The API key')",
        "Set the `API_KEY` environment variable to your key.",
        "secretKeyRef:\n  name: db\n  key: password",
        "tokens: 4096, max_tokens: 1024, token_type: bearer",
        "password=hash_password(password, rounds=12)",
        "key = AES-256-GCM",
        "private_key_path: /etc/ssl/private/server.key",
        "the ghp_ prefix is followed by 36 characters",
        "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "tokenEndpoint: https://login.example.com/oauth2/v2.0/token",
        "Ed25519PrivateKey::generate()",
        "use hvs. for service tokens and hvb. for batch tokens",
        "secret: Ed25519PublicKey",
        "[secret:github-token] [[secret:github-token:k3j9v7zt1mxw8abc]]",
        "def set_password(self, value: str) -> None:",
        "risk-assessment-of-the-whole-organisation-in-the-year-2024",
        "x-api-key: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "authorization: Bearer eyJhbGciOi...",
    ] {
        assert_eq!(secrets(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn the_token_that_everybody_shows_is_none() {
    let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    let claims = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ";
    let signature = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
    assert!(secrets(&format!("{header}.{claims}.{signature}")).is_empty());
    assert!(secrets(&format!("{header}.{claims}.")).is_empty());
    assert!(secrets(&format!("{header}.{claims}")).is_empty());
    assert_eq!(
        secrets(&format!("{header}.{claims}.{}", Draw::new(22).of(Charset::URL64, 43))),
        ["json-web-token"]
    );
}
