# Run it: uvicorn hello:app --port 8000, then curl -i http://127.0.0.1:8000/hello/goblin
from fastapi import FastAPI

from otel_kit import setup_observability

app = FastAPI()
setup_observability(app)


@app.get("/hello/{name}")
async def say_hello(name: str) -> dict[str, str]:
    return {"hello": name}
