/** Where no page is. */
import { Compass } from "lucide-react";
import { ButtonLink, Nothing } from "../ui/basics.tsx";
import { PageHead } from "../ui/page.tsx";

export default function Missing() {
  return (
    <>
      <PageHead title="No such page" />
      <Nothing
        icon={Compass}
        title="There is nothing at this address"
        actions={<ButtonLink to="/">To the overview</ButtonLink>}
      >
        The link may be old, or mistyped.
      </Nothing>
    </>
  );
}
