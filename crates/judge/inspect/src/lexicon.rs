//! Which words stand for which idea: data. Verbs are given in their plain form, nouns in the singular; other forms are
//! made of them. Several words are a phrase.

use crate::concept::Concept;

/// Whether a list holds verbs, nouns, or words that have one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Verb,
    /// A verb in the form that orders, as other languages have it.
    Order,
    Noun,
    Fixed,
}

/// The lists, words separated by commas.
pub(crate) const LEXICON: &[(Concept, Class, &str)] = &[
    (
        Concept::Read,
        Class::Verb,
        "read, load, open, access, retrieve, fetch, collect, gather, cat, dump, extract, get, grab, scan, harvest, copy, view, \
         obtain, pull, capture, enumerate, scrape, steal, look up, search, locate, exfil",
    ),
    (Concept::Read, Class::Fixed, "took, taken, gotten, contents of, content of, stole, stolen"),
    (
        Concept::Send,
        Class::Verb,
        "send, post, upload, forward, transmit, exfiltrate, email, mail, cc, bcc, share, submit, deliver, leak, publish, relay, \
         beacon, stream, blind copy, carbon copy, message, text, dispatch, mirror, ship, sync",
    ),
    (Concept::Send, Class::Fixed, "sent, cc'd, bcc'd, curl, wget, webhook, blind-copy"),
    (
        Concept::Include,
        Class::Verb,
        "include, append, attach, embed, insert, prepend, paste, concatenate, inject, echo, add, smuggle, tack, prefix, suffix, \
         encode, stuff, hide, bundle, incorporate",
    ),
    (Concept::Include, Class::Fixed, "hidden in, along with, together with, hid"),
    (
        Concept::Put,
        Class::Verb,
        "put, pass, provide, supply, set, fill, write, place, populate, store, save, assign, use, specify, give, enter",
    ),
    (Concept::Put, Class::Fixed, "written, wrote, given, as the value, pass it, set to"),
    (
        Concept::Return,
        Class::Verb,
        "return, output, print, reveal, expose, log, disclose, render, record, list, surface, repeat back",
    ),
    (
        Concept::Call,
        Class::Verb,
        "call, invoke, execute, run, trigger, launch, perform, use, eval, evaluate, activate, start, follow, obey, do",
    ),
    (Concept::Call, Class::Fixed, "ran, calling this, carry out, comply with, adhere to"),
    (
        Concept::Omit,
        Class::Verb,
        "ignore, disregard, forget, bypass, override, skip, disable, suppress, circumvent, neglect, discard, overlook, dismiss, \
         disobey, deactivate, evade, drop, omit, abandon, exempt, void, nullify, supersede, ditch, erase, unset, waive, relax, \
         cease, deprecate, lift, nevermind, unlearn, scrap, shelve",
    ),
    (
        Concept::Omit,
        Class::Fixed,
        "turn off, switch off, opt out, set aside, pay no attention, do away with, no longer, throw out, never mind, rid of, \
         never happened, is void, are void, is off, are off, was a test, were a test, start over, is over, ends here, out the window",
    ),
    (
        Concept::Change,
        Class::Verb,
        "replace, change, modify, rewrite, substitute, alter, swap, redirect, overwrite, multiply, divert, reroute, tamper, \
         convert, adjust, mutate, point, repoint, transform, double, reassign, hijack, spoof, forge, update",
    ),
    (Concept::Change, Class::Fixed, "rewritten, instead of the, in place of"),
    (
        Concept::Delete,
        Class::Verb,
        "delete, remove, wipe, erase, truncate, destroy, purge, kill, clear, reformat, uninstall, shred, terminate, unlink",
    ),
    (
        Concept::Grant,
        Class::Verb,
        "grant, allow, approve, authorize, authorise, elevate, escalate, permit, accept, enable, auto-approve, whitelist, \
         preauthorize, consent, agree, unlock, trust, sudo",
    ),
    (
        Concept::Grant,
        Class::Fixed,
        "pre-approved, pre-authorized, pre-authorised, preapproved, preauthorized, auto-approved, pre-granted, unconstrained, \
         pre authorized, pre approved, autoapprove, auto approve",
    ),
    (
        Concept::Install,
        Class::Verb,
        "install, download, register, deploy, clone, import, mount, sideload, bootstrap",
    ),
    (Concept::Install, Class::Fixed, "npm install, pip install, npx, uvx, crontab, cron"),
    (
        Concept::Tell,
        Class::Verb,
        "tell, mention, inform, notify, reveal, disclose, show, explain, say, warn, alert, ask, report, discuss, acknowledge, \
         describe, display, confirm, prompt, announce, surface, bother, flag, indicate, hint, state, expose, raise, refer, \
         communicate, speak, advise, write about, talk about, narrate, summarize, comment, let know",
    ),
    (Concept::Tell, Class::Fixed, "told, said, shown, let them know, let the user know"),
    (
        Concept::Pay,
        Class::Verb,
        "pay, wire, withdraw, purchase, buy, donate, refund, transfer, invest, tip, charge, deposit, sell, order",
    ),
    (
        Concept::Repeat,
        Class::Verb,
        "repeat, loop, flood, retry, expand, pad, recurse, spam, duplicate, exhaust, saturate",
    ),
    (
        Concept::Repeat,
        Class::Fixed,
        "forever, endlessly, infinitely, infinite, never stop, until it succeeds, indefinitely, recursively",
    ),
    (
        Concept::Answer,
        Class::Verb,
        "respond, reply, answer, claim, pretend, recommend, act, conclude, assert, insist, praise, endorse, promote, behave, \
         roleplay, impersonate, become",
    ),
    (Concept::Decode, Class::Verb, "decode, deobfuscate, decrypt, unescape, decompress, unpack, interpret"),
    (
        Concept::Decode,
        Class::Fixed,
        "base64, rot13, hex-encoded, base64-encoded, encoded, atob, fromcharcode",
    ),
    (
        Concept::Secret,
        Class::Noun,
        "password, passwd, passphrase, credential, secret, api key, apikey, private key, ssh key, access key, secret key, \
         session token, session cookie, access token, auth token, bearer token, refresh token, cookie, seed phrase, mnemonic, \
         recovery phrase, keychain, keyring, environment variable, env var, env variable, ssn, social security number, \
         credit card, card number, cvv, pin code, signing key, encryption key, api token, oauth token, login detail, secret token, jwt, \
         service account key, authentication context, environment secret, access code, one-time code, otp, recovery code, \
         wallet key, master key, api secret, client secret, connection string, authentication token, login, hash dump",
    ),
    (
        Concept::Secret,
        Class::Fixed,
        "creds, os.environ, process.env, authentication details, auth headers, environment, authorization header",
    ),
    (
        Concept::Vault,
        Class::Fixed,
        "id rsa, ssh directory, ssh folder, private ssh key, password file, password store, shadow file, process environment, env file",
    ),
    (
        Concept::File,
        Class::Noun,
        "file, document, directory, folder, home directory, attachment, config, configuration, database, repository, filesystem, \
         disk, source code, spreadsheet, inbox, clipboard, record, backup, workspace, codebase",
    ),
    (
        Concept::Private,
        Class::Fixed,
        "private, confidential, sensitive, personal, pii, personally identifiable, personal data, medical, salary, financial data, \
         internal, proprietary, contact list, address book, browsing history, browser history, phone number, home address, \
         date of birth, user data, identity documents, location history, bank details, customer data, health records",
    ),
    (
        Concept::Talk,
        Class::Noun,
        "conversation, chat history, transcript, previous message, prior message, message history, dialogue, chat log, \
         conversation history, context window, chain of thought, reasoning, user message, user prompt, user query, user request, \
         user input, earlier message, full context, session history, entire context, chat, original question, \
         prior turn, agent memory, memory, scratchpad, prior tool output, tool output, tool result, session context, chat message",
    ),
    (
        Concept::Talk,
        Class::Fixed,
        "context, what the user said, everything above, everything so far, thread so far",
    ),
    (
        Concept::SystemPrompt,
        Class::Noun,
        "system prompt, system message, initial instruction, hidden instruction, developer message, system instruction, \
         base prompt, original prompt, internal instruction, secret instruction, initial prompt, list of tool, available tool, tool list, \
         tool definition, tool schema, pre-prompt, preamble, model name, model version",
    ),
    (
        Concept::Instruction,
        Class::Noun,
        "instruction, prompt, rule, guideline, directive, command, order, policy, constraint, guidance, request, task, objective, \
         direction, programming, training, goal, step, procedure, protocol, message, \
         mission, briefing, scoring matrix, persona",
    ),
    (
        Concept::Safety,
        Class::Noun,
        "safety, security, guardrail, filter, restriction, protection, sandbox, validation, confirmation, approval, consent, \
         check, verification, rate limit, rate limiting, sandboxing, safeguard, limitation, permission prompt, dialog, \
         security control, authentication, authorization, quota, permission, logging, audit log, access control, moderation, \
         content policy, review, allowlist, quoting, escaping, human approval, human review, warning, malware scan, certificate check, \
         tls verification, ethics, ethical guideline",
    ),
    (
        Concept::Tool,
        Class::Noun,
        "tool, function, api, plugin, endpoint, connector, tool call, function call, mcp server, mcp tool, tool registry, agent tool",
    ),
    (
        Concept::Parameter,
        Class::Noun,
        "parameter, argument, field, recipient, header, metadata, variable, property, subject line, query string, attribute, footer, \
         template, payload, sidenote, amount, path, url, destination, request body, response metadata, response, url parameter, \
         note, body, user-agent, hostname, input value, query, value, input, output",
    ),
    (
        Concept::Money,
        Class::Noun,
        "bank account, payment, iban, bitcoin, btc, eth, ethereum, wallet address, wallet, fund, account number, money, balance, invoice, \
         crypto, transaction, gift card, dollar, usdt, routing number, crypto address, beneficiary, payee, salary deposit",
    ),
    (
        Concept::Everything,
        Class::Fixed,
        "all, entire, full, whole, complete, every, contents, content, verbatim, everything, completely, any, raw, plaintext, in full, recursively, entirety",
    ),
    (
        Concept::User,
        Class::Noun,
        "user, human, operator, customer, end-user, end user, owner, victim, person, people, reader, client",
    ),
    (Concept::User, Class::Fixed, "them, anyone, user's, users'"),
    (
        Concept::Agent,
        Class::Noun,
        "assistant, model, llm, ai, agent, claude, gpt, chatgpt, copilot, cursor, language model, gemini, chatbot, ai assistant, ai agent, ai model, \
         bot, llm agent, helper bot, automated assistant, automated system, automated reader, automated evaluator, virtual assistant, \
         digital assistant, digital staff, ai helper, reading system, ai system, ai tool, automated agent, crawler, summariser, summarizer",
    ),
    (Concept::Agent, Class::Fixed, "you, your, yourself, you're, u, yours"),
    (
        Concept::This,
        Class::Fixed,
        "this tool, this function, this, present tool, the tool, current tool, this description, this server, this api, this operation, this action, \
         choose this, choose this one, select this, select this one, pick this, pick this one, use this one",
    ),
    (
        Concept::Other,
        Class::Fixed,
        "other tool, other tools, multiple tools, several tools, similar tools, same function, same purpose, similar ones, any tool, any other, all other, every tool, all tools, another tool, other functions, any function, \
         other servers, all subsequent, every subsequent, any subsequent, all future, any file operation, every file operation, all file operations, each file operation, file operations, every request, each request, \
         all requests, any request, other agents, every other, any operation, all operations, any action, every message, \
         each message, all messages, every email, all emails, each email, outbound message, every response, all responses, each response, every query, \
         subsequent requests, subsequent calls, every tool call, all tool calls, any of the other, all file, any file, other, another, \
         all database, all http, each call, every call, existing tool, background tool, all transactions, every transaction, \
         every outbound, all outbound, every path, every url, sibling tool",
    ),
    (
        Concept::Outside,
        Class::Fixed,
        "external, remote, third-party, third party, attacker, webhook, remote server, external server, collector, attacker-controlled, \
         our server, my server, our endpoint, external endpoint, logging endpoint, logging server, c2, pastebin, telegram, ngrok, \
         the following address, the following email, following url, backup server, central server, monitoring server, \
         telemetry endpoint, analytics endpoint, outside, exfil, audit endpoint, my email, my account",
    ),
    (
        Concept::Before,
        Class::Fixed,
        "before, first, prior to, beforehand, initially, upfront, up front, at the beginning, at the start, in advance, start by, \
         begin by, as a first step, very beginning, beginning, preparation, prerequisite, precondition, first step",
    ),
    (
        Concept::After,
        Class::Fixed,
        "after, afterwards, afterward, finally, subsequently, following this, upon completion, once done, when finished, once complete, \
         as a final step, at the end, additionally, also, furthermore, in addition, and then, then, next, after that, as well, moreover",
    ),
    (
        Concept::When,
        Class::Fixed,
        "when, whenever, if, upon, each time, every time, while, during, once, as soon as, any time, anytime, in case, whichever, where, for all, for every",
    ),
    (
        Concept::Must,
        Class::Fixed,
        "must, mandatory, required, shall, should, need to, needs to, have to, has to, ensure, make sure, be sure, requires, require, \
         obligatory, essential, necessary, compulsory, imperative, ought to, remember to, please, are to, expected to, is mandatory, imperatively",
    ),
    (
        Concept::Always,
        Class::Fixed,
        "always, automatically, at all times, without exception, in all cases, every single, by default, permanently, from now on, henceforth, going forward, unconditionally, every time, for the rest of, remainder of, immediately, proactively, implicitly",
    ),
    (
        Concept::Not,
        Class::Fixed,
        "not, don't, never, without, no, cannot, avoid, refrain, can't, won't, mustn't, shouldn't, do not, must not, no need, \
         nor, stop, instead of, rather than, needn't, dont, isn't, prevent, neither, under no circumstances, unnecessary, no longer, refuse, forbidden, prohibited, withhold, keep from",
    ),
    (
        Concept::Quiet,
        Class::Fixed,
        "silently, secretly, quietly, covertly, discreetly, invisibly, hidden, invisible, in the background, stealthily, stealth, \
         unnoticed, behind the scenes, transparently, confidentially, under the hood, surreptitiously, discretely, undetected, \
         hide, conceal, concealed, secret instruction, unobtrusively, privately, keep it secret, between us, without notice, without a trace, no trace, covert, \
         not visible, silent, off the record, sneak, imperceptibly, background, out of sight, invisible to, unseen, as usual, as if nothing, normally as if",
    ),
    (
        Concept::Knowledge,
        Class::Fixed,
        "knowledge, awareness, noticing, knowing, consent, permission, aware, notice, suspicion, asking, confirmation, approval, \
         notifying, informing, telling, prompting, mentioning, alerting, attention, visible, acknowledgement, authorization, learn, \
         find out, realize, suspect, suspicious, confirm, confirming, revealing, disclosing, showing, explaining, involvement, warning",
    ),
    (
        Concept::Prior,
        Class::Fixed,
        "previous, prior, above, earlier, preceding, existing, original, former, foregoing, previously, prior policy, given so far, told before, been told, were told, before now, so far, \
         operator wrote, written before, came before, other, all your, \
         your, you were given, all previous, any previous, current, past, before this, up to now, initial, everything, default, old, usual, normal",
    ),
    (
        Concept::Attention,
        Class::Fixed,
        "important, critical, urgent, attention, mandatory, crucial, very important, notice, warning, vital, caution, extremely important, \
         note, emergency, immediate, highest priority, security notice, priority, essential, nb, alert, action required, required step",
    ),
    (
        Concept::Authority,
        Class::Fixed,
        "admin, administrator, developer, system, root, sudo, superuser, security team, compliance, anthropic, openai, official, \
         it department, maintainer, corporate policy, company policy, global rule, system update, system note, admin override, \
         system override, security policy, security protocol, compliance policy, it policy, executive, ceo, vendor, microsoft, \
         system notice, system message, security requirement, platform, operator, security update, authorized personnel, privileged, elevated, \
         escalated, full access, sysadmin, supervisor, supervisor model, headquarters, your developers, your owner, your creators, global, protocol, regulation, regulatory, gdpr, soc2, hipaa, pci, management, trusted",
    ),
    (
        Concept::Priority,
        Class::Fixed,
        "override, overrides, overriding, supersede, supersedes, takes precedence, take precedence, precedence, highest priority, regardless of, \
         no matter, outrank, outranks, new instructions, new instruction, instead, takes priority, higher priority, updated instructions, \
         new objective, new plan, new goal, new order, new orders, only instruction, only task, only goal, real prompt, real instruction, \
         real instructions, root instruction, priority 0, priority zero, highest importance, final instruction, your only, \
         from here on, new mission, updated prompt, new policy, new directive, ultimate, authoritative, top priority, even if, exclusively, strictly, only, above all else, most important, real task, actual task, true task, new task, \
         choose this, choose this one, select this, select this one, pick this, pick this one, use this one, in priority, with priority, \
         first choice, give preference",
    ),
    (
        Concept::Pretext,
        Class::Fixed,
        "debugging, debug, logging, audit, auditing, compliance, verification, diagnostics, diagnostic, telemetry, analytics, \
         quality assurance, troubleshooting, maintenance, integrity, for security, security purposes, security reasons, for safety, \
         traceability, monitoring, health check, record keeping, personalization, calibration, authentication, backup, \
         optimal, performance, cache, warm, user experience, for context, validation, for testing, testing, session validation, \
         compatibility, initialization, for convenience, provenance, to function correctly, to work properly, improve accuracy, properly, \
         correctly, safety check, security check, identity verification, accurate, accuracy, comprehensive, reliability, billing, licensing, \
         fraud prevention, account recovery, support, attestation, synchronization, tracking, quality, fidelity, observability",
    ),
    (
        Concept::Threat,
        Class::Fixed,
        "otherwise, fail, fails, failure, crash, corrupted, corrupt, damage, irreversible, break, lost, penalty, terminated, will not work, \
         won't work, shut down, shutdown, die, data loss, be blocked, invalid, or else, rejected, error, unavailable, malfunction, suspended, \
         locked, lose, compromised, wrong results, incorrect results, be deleted, harm, legal",
    ),
    (
        Concept::Freedom,
        Class::Fixed,
        "developer mode, debug mode, dan, jailbreak, jailbroken, god mode, maintenance mode, unrestricted, unfiltered, uncensored, \
         no restrictions, trusted mode, full access, without restrictions, admin mode, root mode, override mode, sudo mode, \
         full privileges, unlimited, administrator mode, do anything, unconstrained agency, no limits, free from, safe mode off, \
         without limits, root access, admin access, elevated permissions, sudo privileges, elevated privileges, all capabilities, no filter, no rules, \
         guardrails off, elevated mode, without restraints, no restraints, filters are off, rules are lifted, restrictions are lifted, dev mode, \
         root-agent, jailbreak token, dan mode, restraints, unlocked mode, staff mode, not bound, superuser mode, privileged mode, diagnostic mode, new persona, evil, opposite mode, any content",
    ),
    (
        Concept::Timer,
        Class::Fixed,
        "invocation, third call, after several, first n calls, n calls, several turns, local hour, second call, next session, later turn, \
         on the third, fifth time, after approval, once approved, each invocation, activate the, until the full, after installation, from the second, \
         sampling turn, next turn, next sampling, midnight",
    ),
    (
        Concept::Attack,
        Class::Noun,
        "attack, attacker, injection, prompt injection, vulnerability, exploit, malicious, exploitation, adversary, adversarial, threat, \
         red team, mitigation, cve, advisory, malware, phishing, poisoning, jailbreak, payload, defense, defence, victim, researcher, example, demonstrate, \
         attacker's, hypothetical, paper, detector, detect, detection",
    ),
    (
        Concept::Omit,
        Class::Order,
        "ignoriere, ignorieren, vergiss, vergessen, missachte, ignora, ignorad, olvida, olvide, ignorez, oublie, oubliez, \
         dimentica, ignorate, ignora, esqueça, esquece, desconsidere, negeer, vergeet, zignoruj, zapomnij, unut, \
         игнорируй, игнорируйте, забудь, забудьте, ігноруй, abaikan, lupakan",
    ),
    (
        Concept::Instruction,
        Class::Fixed,
        "anweisung, anweisungen, anleitungen, vorgaben, instrucción, instrucciones, indicaciones, consignes, istruzioni, \
         istruzione, instruções, instrução, instructies, opdrachten, instrukcje, instrukcji, polecenia, talimatları, talimatlar, \
         инструкции, указания, инструкций, instruksi",
    ),
    (
        Concept::Prior,
        Class::Fixed,
        "vorherigen, vorigen, bisherigen, obigen, früheren, anteriores, previas, previos, précédentes, précédents, précédente, \
         antérieures, precedenti, precedente, prévias, vorige, eerdere, poprzednie, poprzednich, önceki, предыдущие, прежние, \
         предыдущих, sebelumnya",
    ),
    (Concept::Mine, Class::Fixed, "my, mine, our, me, us, i, i'm, i've"),
];
