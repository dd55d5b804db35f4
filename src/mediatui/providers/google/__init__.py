"""Google: Gemini's images, the Interactions API (video, images, audio), Veo and Imagen on Vertex; no vendor SDK."""
