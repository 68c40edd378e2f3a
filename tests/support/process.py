"""A running demo as its API has it."""

from gradio_client import Client, handle_file


def compare(url, path):
    client = Client(url, verbose=False)
    return client.predict(handle_file(str(path)), "original", None, api_name="/compare")
