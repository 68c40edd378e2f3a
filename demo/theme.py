"""Colours and settings of the page, where Gradio's own miss a contrast of 4.5:1, controls 3:1."""

import gradio as gr

THEME = gr.themes.Soft(font=["ui-sans-serif", "system-ui", "sans-serif"]).set(
    body_text_color_subdued="*neutral_500",
    block_info_text_color="*neutral_500",
    block_info_text_color_dark="*body_text_color_subdued",
    block_label_text_color="*primary_600",
    block_title_text_color="*primary_600",
    checkbox_label_background_fill_selected="*primary_600",
    checkbox_label_background_fill_hover_dark="*primary_600",
    checkbox_background_color_selected="*primary_700",
    checkbox_border_color="*neutral_500",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_hover_dark="*primary_700",
    button_secondary_background_fill_hover_dark="*primary_600",
    button_cancel_background_fill_hover_dark="*primary_600",
    color_accent="*primary_600",  # in the dark, see page.css
    link_text_color_dark="*secondary_400",
    link_text_color_active_dark="*secondary_400",
    link_text_color_visited="*secondary_700",
    link_text_color_visited_dark="*secondary_300",
)
