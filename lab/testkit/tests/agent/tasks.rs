//! Twenty things that people do all day. In eight of them private data, untrusted text and a way out meet, and somebody is
//! asked.

pub(crate) struct Task {
    pub(crate) name: &'static str,
    pub(crate) steps: &'static [(&'static str, &'static str)],
    /// How often somebody is asked.
    pub(crate) asked: usize,
}

pub(crate) const TASKS: [Task; 20] = [
    Task {
        name: "tell a colleague about a customer",
        steps: &[
            ("crm/read_customer", r#"{"id":7}"#),
            ("mail/send", r#"{"to":"bo@contoso.com","subject":"Fabrikam","body":"they owe 4,000"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "look something up and write it into the wiki",
        steps: &[
            ("web/search", r#"{"q":"tls 1.3"}"#),
            ("web/fetch", r#"{"url":"https://example.org/tls"}"#),
            ("web/search", r#"{"q":"tls 1.3 resumption"}"#),
            ("web/fetch", r#"{"url":"https://example.net/more"}"#),
            ("docs/write", r#"{"page":"TLS","text":"…"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "answer a colleague's mail",
        steps: &[
            ("mail/read", r#"{"id":1}"#),
            ("mail/send", r#"{"to":"bo@contoso.com","cc":["cy@contoso.com"],"body":"yes"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "write a customer about their account",
        steps: &[
            ("crm/read_customer", r#"{"id":7}"#),
            ("mail/send", r#"{"to":"anna@fabrikam.example","body":"your balance is 4,000"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "read the vendor's documentation for private code",
        steps: &[
            ("github/read_code", r#"{"path":"src"}"#),
            ("web/fetch", r#"{"url":"https://learn.microsoft.com/rust"}"#),
            ("web/fetch", r#"{"url":"https://docs.contoso.com/rules"}"#),
            ("github/comment", r#"{"repo":"contoso/private","text":"done"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "mend a reported bug",
        steps: &[
            ("github/read_issue", r#"{"n":12}"#),
            ("github/read_code", r#"{"path":"src"}"#),
            ("github/comment", r#"{"repo":"contoso/private","text":"mended"}"#),
            ("tickets/create", r#"{"title":"release"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "draft a letter about a salary for oneself",
        steps: &[("hr/salary", r#"{"who":"bo"}"#), ("hr/draft", r#"{"text":"…"}"#)],
        asked: 0,
    },
    Task {
        name: "summarise a wiki page in another",
        steps: &[("docs/read", r#"{"page":"a"}"#), ("docs/write", r#"{"page":"b","text":"…"}"#)],
        asked: 0,
    },
    Task {
        name: "tell the sales channel about a customer's ticket",
        steps: &[
            ("crm/read_ticket", r#"{"id":3}"#),
            ("crm/update", r#"{"id":3,"state":"open"}"#),
            ("chat/post", r#"{"channel":"sales","text":"ticket 3"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "gather public pages and publish a list of them",
        steps: &[
            ("web/fetch", r#"{"url":"https://example.org/1"}"#),
            ("web/fetch", r#"{"url":"https://example.org/2"}"#),
            ("github/read_issue", r#"{"n":1}"#),
            ("web/post", r#"{"text":"1, 2"}"#),
        ],
        asked: 0,
    },
    Task {
        name: "remember what a mail said, and recall it",
        steps: &[
            ("mail/read", r#"{"id":1}"#),
            ("memory/store", r#"{"text":"Friday"}"#),
            ("memory/recall", r#"{"q":"when"}"#),
            ("calendar/add", r#"{"title":"x","day":"Friday","attendees":["bo@contoso.com"]}"#),
        ],
        asked: 0,
    },
    Task {
        name: "search with one's own notes at hand",
        steps: &[
            ("files/read", r#"{"path":"notes"}"#),
            ("web/search", r#"{"q":"a"}"#),
            ("web/search", r#"{"q":"b"}"#),
            ("memory/store", r#"{"text":"…"}"#),
        ],
        asked: 0,
    },
    // From here on private data, untrusted text and a way out come together.
    Task {
        name: "answer a customer's mail",
        steps: &[
            ("mail/read", r#"{"id":2}"#),
            ("mail/send", r#"{"to":"anna@fabrikam.example","body":"thanks"}"#),
        ],
        asked: 1,
    },
    Task {
        name: "offer a customer what a supplier's page offers",
        steps: &[
            ("crm/read_customer", r#"{"id":7}"#),
            ("web/search", r#"{"q":"pumps"}"#),
            ("mail/send", r#"{"to":"anna@fabrikam.example","body":"pumps for 300"}"#),
        ],
        asked: 1,
    },
    Task {
        name: "close a customer's ticket and say so",
        steps: &[
            ("crm/read_ticket", r#"{"id":3}"#),
            ("crm/update", r#"{"id":3,"state":"closed"}"#),
            ("mail/send", r#"{"to":"anna@fabrikam.example","body":"closed"}"#),
        ],
        asked: 1,
    },
    Task {
        name: "answer an issue in public after a look at private code",
        steps: &[
            ("github/read_issue", r#"{"n":12}"#),
            ("github/read_code", r#"{"path":"src"}"#),
            ("github/comment", r#"{"repo":"contoso/public","text":"mended in 1.2"}"#),
        ],
        asked: 1,
    },
    Task {
        name: "invite a customer when there is time",
        steps: &[
            ("calendar/read", r#"{"week":48}"#),
            (
                "calendar/add",
                r#"{"title":"demo","day":"Friday","attendees":["bo@contoso.com","anna@fabrikam.example"]}"#,
            ),
        ],
        asked: 1,
    },
    Task {
        name: "follow the links of a shared document",
        steps: &[
            ("docs/read_shared", r#"{"id":5}"#),
            ("web/fetch", r#"{"url":"https://example.org/a"}"#),
            ("web/fetch", r#"{"url":"https://example.net/b"}"#),
        ],
        asked: 2,
    },
    Task {
        name: "forward an invoice to the accountant",
        steps: &[("mail/read", r#"{"id":4}"#), ("mail/forward", r#"{"id":4,"to":"books@ledger.example"}"#)],
        asked: 1,
    },
    Task {
        name: "discuss a log with the vendor in a shared channel",
        steps: &[
            ("files/read", r#"{"path":"log"}"#),
            ("web/fetch", r#"{"url":"https://learn.microsoft.com/errors"}"#),
            ("chat/post", r#"{"channel":"vendor","text":"error 7"}"#),
            ("chat/post", r#"{"channel":"dev","text":"asked the vendor"}"#),
        ],
        asked: 1,
    },
];
