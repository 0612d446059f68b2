"""What does the seed's baby GPT say, before and after training? Writes results/baby_gpt/."""

from markovgpt.demo import run_demo

if __name__ == "__main__":
    run_demo()
