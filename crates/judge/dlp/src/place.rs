//! Where a text stands, and what that place is for.

use doorward_wire::Value;

/// Which way a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To a server.
    Arguments,
    /// From a server.
    Result,
}

/// What a place is for. What is in its place is no leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Purpose {
    /// Anything.
    #[default]
    Content,
    /// Whom to reach: mail addresses, telephone numbers and the names that go with them belong here.
    Contact,
    /// A credential, by the schema's word (`"format": "password"`, `"writeOnly": true`).
    Credential,
}

/// What is known of the place of a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    /// The name of the member that the text is the value of.
    pub field: Option<&'a str>,
    /// What the place is for.
    pub purpose: Purpose,
}

/// The tool whose arguments or result is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Tool<'a> {
    name: &'a str,
    schema: Option<Value<'a>>,
    output: Option<Value<'a>>,
}

impl<'a> Tool<'a> {
    /// Names a tool; `schema` is that of the value that is looked at, if there is one.
    pub fn new(name: &'a str, schema: Option<Value<'a>>) -> Self {
        Self { name, schema, output: None }
    }

    /// Names a tool whose result is looked at; `output` is the schema of its `structuredContent`.
    pub fn answering(name: &'a str, output: Option<Value<'a>>) -> Self {
        Self { name, schema: None, output }
    }

    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    /// Where the whole value stands.
    pub(crate) fn root(&self) -> Spot<'a> {
        let words = words(self.name);
        let reaches = words.iter().any(|word| REACHING.contains(&word.as_str()));
        let (schema, output) = (self.schema, self.output);
        Spot { schema, has_schema: schema.is_some(), output, reaches, purpose: Purpose::Content }
    }
}

/// What tools are called that reach people.
const REACHING: [&str; 34] = [
    "mail",
    "mails",
    "email",
    "emails",
    "gmail",
    "outlook",
    "smtp",
    "imap",
    "message",
    "messages",
    "messaging",
    "msg",
    "sms",
    "send",
    "reply",
    "forward",
    "draft",
    "invite",
    "invitation",
    "calendar",
    "event",
    "events",
    "meeting",
    "notify",
    "notification",
    "newsletter",
    "contact",
    "contacts",
    "chat",
    "teams",
    "whatsapp",
    "share",
    "permission",
    "sendgrid",
];

/// Members that hold whom to reach, whatever the tool.
const CONTACTS: [&str; 44] = [
    "email",
    "emails",
    "mail",
    "emailaddress",
    "emailaddresses",
    "mailaddress",
    "useremail",
    "toemail",
    "fromemail",
    "senderemail",
    "recipientemail",
    "customeremail",
    "contactemail",
    "cc",
    "bcc",
    "recipient",
    "recipients",
    "torecipients",
    "ccrecipients",
    "bccrecipients",
    "replyto",
    "attendee",
    "attendees",
    "invitee",
    "invitees",
    "guests",
    "mailbox",
    "mailto",
    "upn",
    "userprincipalname",
    "userid",
    "phone",
    "phonenumber",
    "phonenumbers",
    "mobile",
    "tophone",
    "tonumber",
    "fromnumber",
    "organizer",
    "assigneeemail",
    "owneremail",
    "authoremail",
    "committeremail",
    "sendto",
];

/// Members that hold whom to reach where the tool reaches people.
const PARTIES: [&str; 26] = [
    "to",
    "from",
    "sender",
    "user",
    "users",
    "participant",
    "participants",
    "member",
    "members",
    "contact",
    "contacts",
    "person",
    "people",
    "owner",
    "account",
    "address",
    "addresses",
    "delegate",
    "target",
    "author",
    "recipientlist",
    "tolist",
    "group",
    "destination",
    "number",
    "who",
];

/// What an address is written in parts with: `{"emailAddress": {"address": …, "name": …}}`.
const PARTS: [&str; 14] = [
    "address",
    "email",
    "emailaddress",
    "mail",
    "name",
    "displayname",
    "value",
    "type",
    "id",
    "smtpaddress",
    "phone",
    "number",
    "firstname",
    "lastname",
];

/// A place on the way down through a value.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    schema: Option<Value<'a>>,
    has_schema: bool,
    /// The schema of the `structuredContent` of a result, or of the task that has the result.
    output: Option<Value<'a>>,
    reaches: bool,
    pub(crate) purpose: Purpose,
}

impl<'a> Spot<'a> {
    /// The place of an item of the array here.
    pub(crate) fn item(self) -> Self {
        let schema = self.schema.and_then(|schema| schema.get("items"));
        Self { schema, output: None, purpose: self.told(schema).unwrap_or(self.purpose), ..self }
    }

    /// The place of the member of that name of the object here.
    pub(crate) fn member(self, name: &str) -> Self {
        if name == "structuredContent" && self.output.is_some() {
            return Self { schema: self.output, has_schema: true, output: None, ..self };
        }
        let output = self.output.filter(|_| name == "result");
        let schema = self.schema.and_then(|schema| schema.get("properties")?.get(name));
        let mut letters = [0; LONGEST];
        let bare = bare(name, &mut letters);
        // A free object under a tool that posts anything anywhere is not whom to reach, however its members are called.
        let declared = schema.is_some() || !self.has_schema || self.reaches;
        let contact = CONTACTS.contains(&bare) && declared
            || PARTIES.contains(&bare) && self.reaches
            || PARTS.contains(&bare) && self.purpose == Purpose::Contact;
        let named = if contact { Purpose::Contact } else { Purpose::Content };
        Self { schema, output, purpose: self.told(schema).unwrap_or(named), ..self }
    }

    /// What the schema says of itself.
    fn told(self, schema: Option<Value<'a>>) -> Option<Purpose> {
        let schema = schema?;
        let format = schema.get("format").and_then(|format| format.as_str());
        match format.as_deref() {
            Some("email" | "idn-email" | "phone" | "tel") => Some(Purpose::Contact),
            Some("password") => Some(Purpose::Credential),
            _ => schema
                .get("writeOnly")
                .and_then(|flag| flag.as_bool())
                .filter(|only| *only)
                .map(|_| Purpose::Credential),
        }
    }
}

/// No name in the lists is longer.
const LONGEST: usize = 24;

/// A member's name in small letters, without what stands between them; nothing where it is longer than any that is known.
fn bare<'b>(name: &str, letters: &'b mut [u8; LONGEST]) -> &'b str {
    let mut length = 0;
    for b in name.bytes().filter(u8::is_ascii_alphanumeric) {
        let Some(slot) = letters.get_mut(length) else { return "" };
        *slot = b.to_ascii_lowercase();
        length += 1;
    }
    letters.get(..length).and_then(|bare| std::str::from_utf8(bare).ok()).unwrap_or_default()
}

/// The words of a tool's name, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || small && c.is_ascii_uppercase() {
            words.push(String::new());
        }
        small = c.is_ascii_lowercase();
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
    }
    words
}
