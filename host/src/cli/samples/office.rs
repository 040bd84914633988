//! Samples of files, tasks, contracts and customers.

use super::sample::{Sample, bare, json, xml};

pub(super) static SAMPLES: &[Sample] = &[
    json("hubspot", "contact.creation", include_str!("hubspot/contact.creation.json")),
    json("dropbox", "changes", include_str!("dropbox/changes.json")).kind(""),
    bare("GET", "dropbox", "challenge").kind("").query("challenge={{hex}}").handshake().unsigned(),
    json("box", "FILE.UPLOADED", include_str!("box/FILE.UPLOADED.json")).headers(&[
        ("BOX-DELIVERY-ID", "{{uuid}}"),
        ("BOX-SIGNATURE-VERSION", "1"),
        ("BOX-SIGNATURE-ALGORITHM", "HmacSHA256"),
    ]),
    json("docusign", "envelope-completed", include_str!("docusign/envelope-completed.json")),
    xml("docusign", "Completed", include_str!("docusign/Completed.xml")),
    json("asana", "task.changed", include_str!("asana/task.changed.json")),
    bare("POST", "asana", "handshake")
        .kind("")
        .headers(&[("X-Hook-Secret", "{{hex64}}")])
        .handshake()
        .unsigned(),
    json("trello", "updateCard", include_str!("trello/updateCard.json")),
    bare("HEAD", "trello", "head").kind("").handshake().unsigned(),
];
