"""
Libraries that the application may use beside FastAPI: each optional, one file an area.
"""
