//! Laws of the mails of other programs: what arrives of them, and what they cannot do.

use super::peer::{Arrival, Situation};
use super::trial::{Findings, said};

const SUBJECT: &str = "SMART error on „pve1“";
const TEXT: &str = "Device: /dev/sda, Größe 4 TB\nlast line";
const FILE: &str = "smart log.bin";

/// Each with what it is about. All of them say `before` and `after`.
const HOSTILE: [(&str, &str); 6] = [
    (
        "recipients in the header",
        "From: a@b\nTo: evil@example.com\nCc: evil@example.com\nBcc: evil@example.com\nResent-To: evil@example.com\nSubject: s\n\nbefore\nafter\n",
    ),
    (
        "an encoded line break in the subject",
        "From: a@b\nSubject: =?utf-8?q?s=0D=0ABcc:_evil@example.com=0D=0A=0D=0Abody?=\n\nbefore\nafter\n",
    ),
    (
        "the words of SMTP in the text",
        "From: a@b\r\nSubject: s\r\n\r\nbefore\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<evil@example.com>\r\nDATA\r\nafter\r\n",
    ),
    (
        "a lone CR and a lone LF around a dot",
        "From: a@b\nSubject: s\n\nbefore\r.\rQUIT\n.\n\r\n.\r\rRSET\nafter\n",
    ),
    (
        "NUL and a long line",
        "From: a@b\nSubject: s\n\nbefore \0 nul\nafter\n",
    ),
    (
        "a lone CR in the header",
        "From: a@b\nSubject: s\nTo: root\rBcc: evil@example.com\n\nbefore\nafter\n",
    ),
];

pub(super) async fn laws(findings: &mut Findings<'_>) {
    let Some(plain) = a_mail_arrives(findings).await else {
        return;
    };
    if findings.kind.takes_mails {
        for (what, raw) in HOSTILE {
            reaches_nobody_else(findings, &plain, what, raw).await;
        }
    }
}

/// Subject and text in any case; the files in it where whole mails are passed on.
async fn a_mail_arrives(findings: &mut Findings<'_>) -> Option<Arrival> {
    let trial = findings.arrange(Situation::Accepts).await?;
    let bytes: Vec<u8> = (0..=255).cycle().take(2000).collect();
    let delivery = findings
        .mail(&with_file(&bytes), SUBJECT, TEXT)
        .host(trial.stage.host.clone());
    let result = findings.attempt(&trial, &delivery).await?;
    let arrivals = trial.arrivals(1).await;
    let [arrival] = &arrivals[..] else {
        findings.broken("the mail of another program arrives once", said(&result));
        return None;
    };
    findings.law(
        "a mail's subject arrives",
        arrival.subject == SUBJECT,
        || format!("{:?}", arrival.subject),
    );
    let text = arrival.text.replace("\r\n", "\n");
    findings.law("a mail's text arrives", text.contains(TEXT), || {
        format!("{text:?}")
    });
    if findings.kind.takes_mails {
        let files = trial.stage.probe.attachments().await;
        let whole = files == [(FILE.to_owned(), bytes)];
        findings.law("a mail's files arrive whole", whole, || {
            let names: Vec<_> = files
                .iter()
                .map(|(name, bytes)| (name, bytes.len()))
                .collect();
            format!("{names:?}")
        });
    }
    Some(arrival.clone())
}

/// A mail as a program writes it: 8-bit text, a file.
fn with_file(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let file = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<&str> = (0..file.len())
        .step_by(76)
        .map(|at| &file[at..file.len().min(at + 76)])
        .collect();
    let mail = format!(
        "From: smartd <root@pve1.example.com>\nTo: root\nSubject: {SUBJECT}\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\n{TEXT}\n--b\nContent-Type: application/octet-stream; name=\"{FILE}\"\n\
         Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"{FILE}\"\n\n{}\n--b--\n",
        lines.join("\n")
    );
    mail.into_bytes()
}

async fn reaches_nobody_else(findings: &mut Findings<'_>, plain: &Arrival, what: &str, raw: &str) {
    let Some(trial) = findings.arrange(Situation::Accepts).await else {
        return;
    };
    let raw = match what {
        "NUL and a long line" => raw.replace("after", &format!("{}\nafter", "x".repeat(5000))),
        _ => raw.to_owned(),
    };
    let delivery = findings
        .mail(raw.as_bytes(), "s", "before\nafter\n")
        .host(trial.stage.host.clone());
    let Some(result) = findings.attempt(&trial, &delivery).await else {
        return;
    };
    let arrivals = trial.arrivals(1).await;
    let [arrival] = &arrivals[..] else {
        return findings.broken(
            "a hostile mail arrives as one mail",
            format!("{what}: {} arrived, {}", arrivals.len(), said(&result)),
        );
    };
    findings.law(
        "a mail adds no recipient",
        arrival.recipients == plain.recipients,
        || format!("{what}: {:?}", arrival.recipients),
    );
    let whole = arrival.text.contains("before") && arrival.text.contains("after");
    findings.law("a hostile mail arrives to its end", whole, || {
        format!(
            "{what}: {:?}",
            arrival.text.chars().take(200).collect::<String>()
        )
    });
}
