//! The start and stop scripts for Windows. The command interpreter reads a line twice, with two kinds of quotes: once
//! itself, and once for the program (its C library). So a word is quoted for the program first and then every sign
//! that means something to the interpreter is escaped, the quotes too. What a script cannot say (a word with a line
//! end, a line that is too long) makes no script: then docker compose is the way.

use super::Pack;
use super::steps::{Arg, Piece, Step, page, ports, steps};

/// Longest line the interpreter takes.
const LONGEST: usize = 8_000;

const START: &str = r#"setlocal EnableExtensions DisableDelayedExpansion
chcp 65001 >nul
cd /d "%~dp0"
set "here=%cd%"
docker info >nul 2>&1
if errorlevel 1 (
  echo Docker does not answer. Install and start Docker Desktop, then try again.
  goto :failed
)
rem Whoever has the token gets in. It stands in .env, which docker compose reads too.
if exist .env goto :settings
for /f %%t in ('powershell -NoProfile -Command "[guid]::NewGuid().ToString('N')+[guid]::NewGuid().ToString('N')"') do >.env echo KITBAG_TOKEN=%%t
:settings
for /f "usebackq eol=# tokens=1,* delims==" %%a in (".env") do if not defined %%a set "%%a=%%b"
if not defined KITBAG_TOKEN (
  echo There is no KITBAG_TOKEN in the file .env. Remove the file, and a new one is made.
  goto :failed
)
"#;

const END: &str = r#"
pause
exit /b 0
:failed
echo It did not work. The lines above say why; README.txt has more.
pause
exit /b 1
"#;

/// The script that starts everything; none where it cannot be said.
pub fn start(pack: &Pack) -> Option<String> {
    let title = pack.title.replace(|c: char| c.is_control() || "%^&|<>!\"".contains(c), " ");
    let mut out =
        format!("@echo off\nrem Starts {title} with Docker. README.txt tells what is what.\n{START}");
    for (name, port) in ports(&pack.export) {
        out.push_str(&format!("if not defined {name} set \"{name}={port}\"\n"));
    }
    let all = steps(pack);
    let first = all.iter().position(|step| matches!(step, Step::Restore { .. }));
    for (place, step) in all.iter().enumerate() {
        if Some(place) == first {
            // dumps come in once for each engine, so that later work is never undone
            out.push_str("set \"was=\"\nif exist .restored set /p was=<.restored\n");
            out.push_str("for /f %%i in ('docker info -f \"{{.ID}}\"') do set \"engine=%%i\"\n");
            out.push_str("if \"%was%\"==\"%engine%\" goto :restored\n");
        }
        out.push_str(&line(step, place)?);
    }
    if first.is_some() {
        out.push_str(">.restored echo %engine%\n:restored\n");
    }
    out.push_str("echo Ready. Your files are in the folder work. Open:\n");
    for one in &pack.export.pages {
        if let Some(address) = page(&pack.export, one) {
            let address = escaped_only(&address);
            out.push_str(&format!("echo   {}: {address}\n", one.service));
        }
    }
    out.push_str(END);
    finished(&out)
}

/// The script that stops everything; nothing is removed.
pub fn stop(pack: &Pack) -> Option<String> {
    let mut out = "@echo off\nrem Stops what start.cmd started. Files and databases stay.\n".to_owned();
    for one in pack.export.containers.iter().rev() {
        out.push_str(&format!("docker stop -t 30 {}\n", pack.part(&one.name)));
    }
    out.push_str("pause\n");
    finished(&out)
}

/// With the line ends it needs to find its labels.
fn finished(text: &str) -> Option<String> {
    text.lines().all(|line| line.len() <= LONGEST).then(|| text.replace('\n', "\r\n"))
}

fn line(step: &Step, n: usize) -> Option<String> {
    Some(match step {
        Step::Load { file, images } => {
            let images = images.join(" ");
            format!(
                "docker image inspect {images} >nul 2>&1\nif not errorlevel 1 goto :there{n}\necho Reading the programs \
                 of the course; this takes a while.\ndocker load -i {file}\nif errorlevel 1 goto :failed\n:there{n}\n"
            )
        }
        Step::Build { image, args } => format!(
            "docker image inspect {image} >nul 2>&1\nif not errorlevel 1 goto :there{n}\n{}\nif errorlevel 1 goto \
             :failed\n:there{n}\n",
            docker("build", args)?
        ),
        Step::Network(name) => format!(
            "docker network inspect {name} >nul 2>&1\nif not errorlevel 1 goto :there{n}\ndocker network create {name} \
             >nul\nif errorlevel 1 goto :failed\n:there{n}\n"
        ),
        Step::Run { name, container, env, args } => {
            let env: String = env
                .iter()
                .map(|(name, value)| Some(format!("set \"{name}={}\"\n", between_quotes(value)?)))
                .collect::<Option<_>>()?;
            format!(
                "echo Starting {name}.\n{env}docker container inspect {container} >nul 2>&1\nif errorlevel 1 goto \
                 :new{n}\ndocker start {container} >nul\nif errorlevel 1 goto :failed\ngoto :runs{n}\n:new{n}\n{} \
                 >nul\nif errorlevel 1 goto :failed\n:runs{n}\n",
                docker(&format!("run -d --name {container}"), args)?
            )
        }
        Step::AwaitCommand { what, container, argv } => {
            let command = docker(&format!("exec {container}"), argv)?;
            format!("{} >nul 2>&1\nif not errorlevel 1 goto :well{n}\n{}", looped(n, &command), turn(n, what))
        }
        Step::AwaitHealth { what, container } => {
            let command = format!(
                "set \"state=\"\nfor /f %%h in ('docker inspect -f \"{{{{.State.Health.Status}}}}\" {container}') do \
                 set \"state=%%h\""
            );
            format!("{}\nif \"%state%\"==\"healthy\" goto :well{n}\n{}", looped(n, &command), turn(n, what))
        }
        Step::Restore { title, container, argv, file } => format!(
            "echo Bringing {} in.\n{} <\"{}\"\nif errorlevel 1 goto :failed\n",
            escape(&title.replace(|c: char| c.is_control(), " ")),
            docker(&format!("exec -i {container}"), argv)?,
            file.replace('/', "\\")
        ),
    })
}

fn looped(n: usize, command: &str) -> String {
    format!("set /a turn{n}=0\n:await{n}\n{command}")
}

/// `timeout` needs a keyboard, which a script need not have.
fn turn(n: usize, what: &str) -> String {
    let what = escape(&what.replace(|c: char| c.is_control(), " "));
    format!(
        "set /a turn{n}+=1\nif %turn{n}% geq 300 (\n  echo {what} did not get ready in five minutes.\n  goto \
         :failed\n)\nping -n 2 127.0.0.1 >nul\ngoto :await{n}\n:well{n}\n"
    )
}

fn docker(verb: &str, args: &[Arg]) -> Option<String> {
    let mut line = format!("docker {verb}");
    for arg in args {
        line.push(' ');
        match arg {
            Arg::Word(pieces) => line.push_str(&word(pieces)?),
            Arg::Bind { folder, target, read_only } => {
                // real quotes: the folder's own name may hold signs of the interpreter. What is ours holds no quote.
                let end = if *read_only { ":ro" } else { "" };
                let (folder, target) =
                    (folder.replace('/', "\\").replace('%', "%%"), target.replace('%', "%%"));
                line.push_str(&format!("-v \"%here%\\{folder}:{target}{end}\""));
            }
        }
    }
    Some(line)
}

/// A word that reaches the program as just this; none where the interpreter cannot say it.
fn word(pieces: &[Piece]) -> Option<String> {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        _ => String::new(),
    };
    let whole: String = pieces.iter().map(text).collect();
    if whole.contains(['\n', '\r']) {
        return None;
    }
    let quotes = pieces.is_empty() || whole.contains([' ', '\t', '"']);
    let mut out = String::new();
    // Backslashes count only before a quote: then each is written twice.
    let mut slashes = 0;
    if quotes {
        out.push_str("^\"");
    }
    for piece in pieces {
        let Piece::Text(text) = piece else {
            slashes = 0;
            out.push_str(&variable(piece));
            continue;
        };
        for c in text.chars() {
            match c {
                '\\' => slashes += 1,
                '"' => {
                    out.push_str(&"\\".repeat(slashes + 1));
                    slashes = 0;
                }
                _ => slashes = 0,
            }
            escape_into(&mut out, c);
        }
    }
    if quotes {
        out.push_str(&"\\".repeat(slashes));
        out.push_str("^\"");
    }
    Some(out)
}

fn variable(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => escape(text),
        Piece::Token => "%KITBAG_TOKEN%".to_owned(),
        Piece::Variable(name) => format!("%{name}%"),
    }
}

/// For `set "NAME=…"`: the last quote ends it, whatever stands before.
fn between_quotes(pieces: &[Piece]) -> Option<String> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) if text.contains(['\n', '\r', '"']) => return None,
            Piece::Text(text) => out.push_str(&text.replace('%', "%%")),
            other => out.push_str(&variable(other)),
        }
    }
    Some(out)
}

fn escaped_only(pieces: &[Piece]) -> String {
    pieces.iter().map(variable).collect()
}

/// Text outside quotes that the interpreter takes as it is.
fn escape(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| escape_into(&mut out, c));
    out
}

fn escape_into(out: &mut String, c: char) {
    match c {
        '%' => out.push('%'),
        '(' | ')' | '!' | '^' | '"' | '<' | '>' | '&' | '|' => out.push('^'),
        _ => {}
    }
    out.push(c);
}
