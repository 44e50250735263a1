//! A notebook server as JupyterLab speaks to it: files by its contents API, kernels by sessions, and a notebook run
//! cell by cell over the kernel's WebSocket, its outputs saved into it.

use serde_json::{Value, json};

use crate::http::http;
use crate::socket::Socket;

/// A notebook server and who asks it.
pub struct Jupyter {
    /// Its address without a page.
    pub base: String,
    pub token: String,
}

impl Jupyter {
    /// By the address that `open` opens: `http://127.0.0.1:PORT/PAGE?token=TOKEN`.
    #[track_caller]
    pub fn opened(url: &str) -> Self {
        let (page, token) = url.split_once("?token=").unwrap_or_else(|| panic!("no token: {url}"));
        let rest = page.strip_prefix("http://").unwrap();
        let host = rest.split('/').next().unwrap();
        Jupyter { base: format!("http://{host}"), token: token.to_owned() }
    }

    /// Ask its API; null where it has nothing to say.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http(method, &format!("{}{path}", self.base), Some(&self.token), &body).unwrap();
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    /// Save a text file.
    #[track_caller]
    pub fn save_text(&self, path: &str, text: &str) {
        let body = json!({ "type": "file", "format": "text", "content": text });
        self.ask("PUT", &format!("/api/contents/{path}"), &body);
    }

    /// A notebook as it is saved.
    #[track_caller]
    pub fn notebook(&self, path: &str) -> Value {
        self.ask("GET", &format!("/api/contents/{path}"), &Value::Null)["content"].clone()
    }

    /// Save a notebook of code cells.
    #[track_caller]
    pub fn save_cells(&self, path: &str, cells: &[&str]) {
        let cell = |(number, code): (usize, &&str)| {
            json!({ "cell_type": "code", "id": format!("cell-{number}"), "metadata": {}, "source": code, "outputs": [],
                    "execution_count": null })
        };
        let kernel =
            json!({ "name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python" });
        let cells: Vec<Value> = cells.iter().enumerate().map(cell).collect();
        self.save(
            path,
            &json!({ "cells": cells, "metadata": { "kernelspec": kernel }, "nbformat": 4, "nbformat_minor": 5 }),
        );
    }

    #[track_caller]
    fn save(&self, path: &str, notebook: &Value) {
        let body = json!({ "type": "notebook", "format": "json", "content": notebook });
        self.ask("PUT", &format!("/api/contents/{path}"), &body);
    }

    /// Run all cells of a saved notebook and save it with their outputs; its kernel goes on, as it does in JupyterLab.
    /// What the cells printed or gave, as one text.
    #[track_caller]
    pub fn run(&self, path: &str) -> String {
        let mut notebook = self.notebook(path);
        let of = json!({ "path": path, "name": path, "type": "notebook", "kernel": { "name": "python3" } });
        let session = self.ask("POST", "/api/sessions", &of);
        let kernel = session["kernel"]["id"].as_str().unwrap();
        let at = self.base.replacen("http", "ws", 1);
        let mut socket = Socket::open(&format!("{at}/api/kernels/{kernel}/channels"), Some(&self.token));
        let mut said = String::new();
        let cells = notebook["cells"].as_array_mut().unwrap();
        for (number, cell) in cells.iter_mut().filter(|cell| cell["cell_type"] == "code").enumerate() {
            let (count, outputs) = execute(&mut socket, &format!("story-{number}"), &cell["source"]);
            for output in &outputs {
                let text =
                    if output["text"].is_null() { &output["data"]["text/plain"] } else { &output["text"] };
                said.push_str(text.as_str().unwrap_or_default());
            }
            cell["execution_count"] = count;
            cell["outputs"] = Value::Array(outputs);
        }
        self.save(path, &notebook);
        said
    }
}

/// Run the code of one cell: its number and its outputs, as they stand in a notebook.
#[track_caller]
fn execute(socket: &mut Socket, id: &str, code: &Value) -> (Value, Vec<Value>) {
    let header = json!({ "msg_id": id, "msg_type": "execute_request", "username": "", "session": id, "version": "5.3" });
    let content = json!({ "code": code, "silent": false, "store_history": true, "allow_stdin": false });
    let message = json!({ "channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content });
    socket.send(&message.to_string());
    let (mut count, mut outputs) = (Value::Null, Vec::<Value>::new());
    let (mut idle, mut replied) = (false, false);
    while !(idle && replied) {
        let said: Value = serde_json::from_str(&socket.receive()).unwrap();
        if said["parent_header"]["msg_id"] != id {
            continue;
        }
        let mut content = said["content"].clone();
        match said["header"]["msg_type"].as_str().unwrap() {
            "status" => idle = content["execution_state"] == "idle",
            "execute_reply" => {
                replied = true;
                count = content["execution_count"].clone();
            }
            "error" => panic!("{code}\n{}", content["traceback"]),
            "stream" => match outputs.last_mut().filter(|last| last["name"] == content["name"]) {
                Some(last) => last["text"] = format!("{}{}", text(last), text(&content)).into(),
                None => {
                    content["output_type"] = "stream".into();
                    outputs.push(content);
                }
            },
            kind @ ("execute_result" | "display_data") => {
                content["output_type"] = kind.into();
                content.as_object_mut().unwrap().remove("transient");
                outputs.push(content);
            }
            _ => {}
        }
    }
    (count, outputs)
}

fn text(output: &Value) -> &str {
    output["text"].as_str().unwrap_or_default()
}
